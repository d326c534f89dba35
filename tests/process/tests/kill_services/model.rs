//! A model of a writer: its operations, drawn from its number, and their possible results. The
//! writing process and the checking process run the same model.

use std::collections::BTreeSet;

/// A deterministic random generator (splitmix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        usize::try_from(z % u64::try_from(end).expect("small")).expect("small")
    }
}

/// An operation, with the index of a value in the current namespace or of a token.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Op {
    Create,
    CreateMany,
    Update(usize),
    SoftDelete(usize),
    Restore(usize),
    Delete(usize),
    Rekey,
    Issue,
    Use(usize),
    AddRole(usize),
    RemoveRoles(usize),
    Rotate(usize),
    Revoke(usize),
    Unrevoke(usize),
    DeletePat(usize),
    /// Adds the writer's own role to the token that all writers share, or removes it.
    Share,
}

/// The result of an operation, as the writer got it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) outcome: Outcome,
    /// The texts it returned. Of several values, those whose tokens are here were created, whatever
    /// happened to the others.
    pub(crate) texts: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// It had no effect.
    Nothing,
    /// It may have been done, as with the operation that a kill interrupts.
    Unknown,
}

/// The state of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ValueState {
    Gone,
    Live(u64),
    Hidden(u64),
}

#[derive(Debug)]
pub(crate) struct Value {
    pub(crate) token: String,
    pub(crate) may_be: Vec<ValueState>,
}

/// A namespace.
#[derive(Debug)]
pub(crate) struct Namespace {
    pub(crate) name: String,
    /// The possible passwords. All values have the same one.
    pub(crate) passwords: Vec<u64>,
    pub(crate) values: Vec<Value>,
    /// Whether the password certainly has an entry, since a value was created under it.
    pub(crate) is_protected: bool,
    /// The possible numbers of values whose tokens were never reported.
    pub(crate) unreported: BTreeSet<usize>,
}

/// The state of a personal access token; `good` is the index of its valid text, if known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PatState {
    pub(crate) is_gone: bool,
    pub(crate) is_revoked: bool,
    pub(crate) roles: BTreeSet<String>,
    pub(crate) good: Option<usize>,
}

#[derive(Debug)]
pub(crate) struct Pat {
    pub(crate) id: String,
    pub(crate) texts: Vec<String>,
    pub(crate) may_be: Vec<PatState>,
}

/// A writer's knowledge.
pub(crate) struct World {
    pub(crate) writer: u64,
    dice: Dice,
    /// The number of operations so far. It also numbers new values and roles.
    pub(crate) step: u64,
    pub(crate) spaces: Vec<Namespace>,
    pub(crate) pats: Vec<Pat>,
    /// The most tokens that may exist without having been reported.
    pub(crate) unreported: usize,
    /// The possible answers to whether the shared token has its role.
    pub(crate) shares: Vec<bool>,
}

/// How many values are created at once.
pub(crate) const MANY: usize = 3;

impl World {
    pub(crate) fn new(writer: u64) -> Self {
        Self {
            writer,
            dice: Dice(writer),
            step: 0,
            spaces: vec![Namespace::new(writer, 0)],
            pats: Vec::new(),
            unreported: 0,
            shares: vec![false],
        }
    }

    pub(crate) fn password(&self, number: u64) -> String {
        format!("password {number} of writer {}", self.writer)
    }

    pub(crate) fn owner(&self) -> String {
        format!("writer-{}", self.writer)
    }

    pub(crate) fn own_role(&self) -> String {
        format!("shared-by-{}", self.writer)
    }

    pub(crate) fn space(&self) -> &Namespace {
        self.spaces.last().expect("there is one")
    }

    /// The token for a value created in this step.
    pub(crate) fn new_token(&self) -> String {
        format!("writer-{:06}-step-{:06}", self.writer, self.step)
    }

    /// Draws the next operation, always one that can succeed.
    pub(crate) fn next(&mut self) -> Op {
        loop {
            let op = match self.dice.below(32) {
                0..=2 => Some(Op::Create),
                3 => Some(Op::CreateMany),
                4..=5 => self
                    .value(|kept| matches!(kept, ValueState::Live(_)))
                    .map(Op::Update),
                6 => self
                    .value(|kept| matches!(kept, ValueState::Live(_)))
                    .map(Op::SoftDelete),
                7 => self
                    .value(|kept| matches!(kept, ValueState::Hidden(_)))
                    .map(Op::Restore),
                8 => self.value(|kept| kept != ValueState::Gone).map(Op::Delete),
                9..=10 => self
                    .value(|kept| matches!(kept, ValueState::Live(_)))
                    .map(|_| Op::Rekey),
                11..=12 => Some(Op::Issue),
                13..=14 => self
                    .pat(|is| !is.is_revoked && is.good.is_some())
                    .map(Op::Use),
                15 => self.pat(|is| is.roles.len() < 5).map(Op::AddRole),
                16 => self.pat(|is| !is.roles.is_empty()).map(Op::RemoveRoles),
                17..=18 => self.pat(|is| !is.is_revoked).map(Op::Rotate),
                19..=20 => self.pat(|is| !is.is_revoked).map(Op::Revoke),
                21 => self.pat(|is| is.is_revoked).map(Op::Unrevoke),
                22 => self.pat(|_| true).map(Op::DeletePat),
                // The most frequent one, since here the writers compete.
                _ => (self.shares.len() == 1).then_some(Op::Share),
            };
            if let Some(op) = op {
                return op;
            }
        }
    }

    /// Draws a value that certainly matches.
    fn value(&mut self, fits: fn(ValueState) -> bool) -> Option<usize> {
        let values = self.space().values.iter().enumerate();
        let fit = values.filter(|(_, value)| matches!(value.may_be[..], [kept] if fits(kept)));
        let fit: Vec<usize> = fit.map(|(at, _)| at).collect();
        (!fit.is_empty()).then(|| fit[self.dice.below(fit.len())])
    }

    fn pat(&mut self, fits: fn(&PatState) -> bool) -> Option<usize> {
        let pats = self.pats.iter().enumerate();
        let fit = pats.filter(
            |(_, pat)| matches!(&pat.may_be[..], [standing] if !standing.is_gone && fits(standing)),
        );
        let fit: Vec<usize> = fit.map(|(at, _)| at).collect();
        (!fit.is_empty()).then(|| fit[self.dice.below(fit.len())])
    }

    pub(crate) fn apply(&mut self, op: Op, told: &Answer) {
        let &Answer { outcome, ref texts } = told;
        let (step, new_token) = (self.step, self.new_token());
        self.step += 1;
        let role = format!("role-{step}");
        let space = self.spaces.last_mut().expect("there is one");
        let mut keep = |at: usize, next: &dyn Fn(ValueState) -> ValueState| {
            settle(&mut space.values[at].may_be, outcome, |kept| next(*kept));
        };
        match op {
            Op::Create => {
                let (token, mut may_be) = (new_token, vec![ValueState::Gone]);
                settle(&mut may_be, outcome, |_| ValueState::Live(step * 10));
                space.values.push(Value { token, may_be });
                space.is_protected |= outcome == Outcome::Done;
            }
            Op::CreateMany => {
                space.is_protected |= !texts.is_empty();
                let values = (step * 10..).zip(texts).map(|(content, token)| Value {
                    token: token.clone(),
                    may_be: vec![ValueState::Live(content)],
                });
                space.values.extend(values);
                if outcome == Outcome::Unknown {
                    // The rest is one batch. If the password may be new, the first value is written
                    // alone, with the password's entry, and the others may follow or not.
                    let left = MANY - texts.len();
                    let first = (!space.is_protected).then_some(1);
                    for before in space.unreported.clone() {
                        let more = first.into_iter().chain([left]);
                        space.unreported.extend(more.map(|more| before + more));
                    }
                }
            }
            Op::Update(at) => keep(at, &|_| ValueState::Live(step * 10)),
            Op::SoftDelete(at) => keep(at, &hidden),
            Op::Restore(at) => keep(at, &shown),
            Op::Delete(at) => keep(at, &|_| ValueState::Gone),
            Op::Rekey => {
                settle(&mut space.passwords, outcome, |number| number + 1);
                if space.passwords.len() > 1 {
                    let number = self.spaces.len();
                    self.spaces.push(Namespace::new(self.writer, number));
                }
            }
            Op::Issue => match outcome {
                Outcome::Done => {
                    let [id, text] = &texts[..] else {
                        panic!("an id and a text")
                    };
                    self.pats.push(Pat {
                        id: id.clone(),
                        texts: vec![text.clone()],
                        may_be: vec![PatState {
                            is_gone: false,
                            is_revoked: false,
                            roles: BTreeSet::new(),
                            good: Some(0),
                        }],
                    });
                }
                Outcome::Nothing => {}
                Outcome::Unknown => self.unreported += 1,
            },
            Op::Use(_) => {}
            Op::AddRole(at) => self.stand(at, outcome, |is| {
                is.roles.insert(role.clone());
            }),
            Op::RemoveRoles(at) => self.stand(at, outcome, |is| is.roles.clear()),
            Op::Rotate(at) => {
                let mut good = None;
                if outcome == Outcome::Done {
                    let pat = &mut self.pats[at];
                    good = Some(pat.texts.len());
                    pat.texts.extend(texts.iter().cloned());
                }
                self.stand(at, outcome, |is| is.good = good);
            }
            Op::Revoke(at) => self.stand(at, outcome, |is| is.is_revoked = true),
            Op::Unrevoke(at) => self.stand(at, outcome, |is| is.is_revoked = false),
            Op::DeletePat(at) => self.stand(at, outcome, |is| is.is_gone = true),
            Op::Share => settle(&mut self.shares, outcome, |shares| !shares),
        }
    }

    fn stand(&mut self, at: usize, outcome: Outcome, change: impl Fn(&mut PatState)) {
        settle(&mut self.pats[at].may_be, outcome, |standing| {
            let mut next = standing.clone();
            change(&mut next);
            next
        });
    }
}

impl Namespace {
    fn new(writer: u64, number: usize) -> Self {
        Self {
            name: format!("space {number} of writer {writer}"),
            passwords: vec![0],
            values: Vec::new(),
            is_protected: false,
            unreported: BTreeSet::from([0]),
        }
    }
}

fn hidden(kept: ValueState) -> ValueState {
    match kept {
        ValueState::Live(content) => ValueState::Hidden(content),
        other => other,
    }
}

fn shown(kept: ValueState) -> ValueState {
    match kept {
        ValueState::Hidden(content) => ValueState::Live(content),
        other => other,
    }
}

/// Applies an operation with this outcome to all possible states.
fn settle<S: Clone>(may_be: &mut Vec<S>, outcome: Outcome, next: impl Fn(&S) -> S) {
    let after: Vec<S> = may_be.iter().map(next).collect();
    match outcome {
        Outcome::Done => *may_be = after,
        Outcome::Nothing => {}
        Outcome::Unknown => may_be.extend(after),
    }
}
