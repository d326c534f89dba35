//! Medians and quartiles, which assume no distribution.

/// The median and the quartiles of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub q1: f64,
    pub median: f64,
    pub q3: f64,
}

impl Spread {
    /// Panics on an empty sample, which at least one round rules out.
    pub fn of(sample: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = sample.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        Self {
            q1: quantile(&sorted, 0.25),
            median: quantile(&sorted, 0.5),
            q3: quantile(&sorted, 0.75),
        }
    }
}

/// The quantile of a sorted sample, interpolated between its neighbours.
fn quantile(sorted: &[f64], at: f64) -> f64 {
    let place = at * (sorted.len() - 1) as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    sorted[below] + (sorted[above] - sorted[below]) * (place - place.floor())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_of_small_samples() {
        let spread = Spread::of([4.0, 1.0, 3.0, 2.0, 5.0]);
        assert_eq!((spread.q1, spread.median, spread.q3), (2.0, 3.0, 4.0));
        let spread = Spread::of([2.0, 1.0]);
        assert_eq!((spread.q1, spread.median, spread.q3), (1.25, 1.5, 1.75));
        let spread = Spread::of([7.0]);
        assert_eq!((spread.q1, spread.median, spread.q3), (7.0, 7.0, 7.0));
    }
}
