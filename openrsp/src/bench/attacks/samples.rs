//! Latencies: median, 99th percentile, and how they compare.

use std::time::Duration;

use serde_json::{Value, json};

use crate::bench::{millis, round};

/// Times of one kind of call.
#[derive(Default)]
pub(super) struct Samples(Vec<Duration>);

impl Samples {
    pub(super) fn push(&mut self, time: Duration) {
        self.0.push(time);
    }

    /// The time, in milliseconds, below which this share of the samples lies; 0 without samples.
    pub(super) fn percentile(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let last = sorted.len().saturating_sub(1) as f64;
        sorted.get((last * share) as usize).copied().map_or(0.0, millis)
    }

    /// Number, median and 99th percentile.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "samples": self.0.len(),
            "p50_ms": round(self.percentile(0.5)),
            "p99_ms": round(self.percentile(0.99)),
        })
    }

    /// Median and 99th percentile as multiples of another's.
    pub(super) fn ratio_to(&self, other: &Self) -> Value {
        let ratio = |share| round(self.percentile(share) / other.percentile(share).max(f64::MIN_POSITIVE));
        json!({ "p50": ratio(0.5), "p99": ratio(0.99) })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Samples;

    #[test]
    fn percentiles_are_of_the_sorted_times() {
        let mut samples = Samples::default();
        for millis in (1..=101).rev() {
            samples.push(Duration::from_millis(millis));
        }
        assert_eq!((samples.percentile(0.5), samples.percentile(0.99)), (51.0, 100.0));
        assert_eq!(Samples::default().percentile(0.5), 0.0);
    }
}
