//! What a write requires of the existing item.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use sealtoken_store::Version;
use sealtoken_time::UnixTime;

use super::item;

/// What must be true of the existing item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    /// Nothing: the item of a label follows its record.
    None,
    /// It does not exist.
    Absent,
    /// It exists, with any version.
    Exists,
    /// It has this version.
    At(Version),
    /// It has this version, or none that can be read, and is due before the moment.
    Due(Option<Version>, UnixTime),
    /// It is in this partition of the index, and due before the moment.
    Listed(Vec<u8>, UnixTime),
}

/// A condition as DynamoDB takes it.
pub(super) struct Expression {
    pub(super) text: Option<String>,
    pub(super) names: Option<HashMap<String, String>>,
    pub(super) values: Option<HashMap<String, AttributeValue>>,
}

impl Condition {
    pub(super) fn expression(&self) -> Expression {
        let (text, names, values) = match self {
            Self::None => {
                return Expression {
                    text: None,
                    names: None,
                    values: None,
                };
            }
            Self::Absent => ("attribute_not_exists(#p)", vec![PARTITION], vec![]),
            Self::Exists => ("attribute_exists(#p)", vec![PARTITION], vec![]),
            Self::At(version) => ("#v = :v", vec![VERSION], vec![expected(version)]),
            Self::Due(Some(version), before) => (
                "#v = :v AND #u < :u",
                vec![VERSION, PURGE_AT],
                vec![expected(version), due_before(*before)],
            ),
            Self::Due(None, before) => ("#u < :u", vec![PURGE_AT], vec![due_before(*before)]),
            Self::Listed(partition, before) => (
                "#g = :g AND #u < :u",
                vec![DUE, PURGE_AT],
                vec![
                    (":g".to_owned(), item::bytes(partition.clone())),
                    due_before(*before),
                ],
            ),
        };
        let owned = |(alias, name): (&str, &str)| (alias.to_owned(), name.to_owned());
        let values: HashMap<_, _> = values.into_iter().collect();
        Expression {
            text: Some(text.to_owned()),
            names: Some(names.into_iter().map(owned).collect()),
            values: Some(values).filter(|values| !values.is_empty()),
        }
    }
}

const PARTITION: (&str, &str) = ("#p", item::PARTITION);
const VERSION: (&str, &str) = ("#v", item::VERSION);
const PURGE_AT: (&str, &str) = ("#u", item::PURGE_AT);
const DUE: (&str, &str) = ("#g", item::DUE);

fn expected(version: &Version) -> (String, AttributeValue) {
    (":v".to_owned(), item::bytes(*version.as_bytes()))
}

fn due_before(before: UnixTime) -> (String, AttributeValue) {
    (":u".to_owned(), item::number(before.as_secs()))
}

/// Adds a condition to the builder of a request, or of an operation in a transaction. With
/// `$returned`, DynamoDB returns the existing item if the condition does not hold.
macro_rules! with_condition {
    ($builder:expr, $condition:expr, $returned:expr) => {{
        let when = $condition.expression();
        $builder
            .set_condition_expression(when.text)
            .set_expression_attribute_names(when.names)
            .set_expression_attribute_values(when.values)
            .set_return_values_on_condition_check_failure($returned)
    }};
}
pub(super) use with_condition;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_name_and_value_of_a_condition_is_used() {
        let version = Version::draw().unwrap();
        let moment = UnixTime::from_secs(-1);
        for condition in [
            Condition::None,
            Condition::Absent,
            Condition::Exists,
            Condition::At(version),
            Condition::Due(None, moment),
            Condition::Due(Some(version), moment),
            Condition::Listed(b"partition".to_vec(), moment),
        ] {
            let Expression {
                text,
                names,
                values,
            } = condition.expression();
            let text = text.unwrap_or_default();
            let aliases = names.into_iter().flatten().map(|(alias, _)| alias);
            let aliases = aliases.chain(values.into_iter().flatten().map(|(alias, _)| alias));
            let aliases: Vec<String> = aliases.collect();
            let used = text.split([' ', '(', ')']);
            let used: HashSet<&str> = used.filter(|word| word.starts_with(['#', ':'])).collect();
            assert_eq!(aliases.len(), used.len(), "{text}");
            assert!(
                aliases.iter().all(|alias| used.contains(&**alias)),
                "{text}"
            );
        }
    }
}
