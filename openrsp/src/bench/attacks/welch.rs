//! Whether two kinds of input can be told apart by time: Welch's t-test, as dudect uses it (Reparaz, Balasch, Verbauwhede,
//! "Dude, is my code constant time?", 2017).

/// Above this, the two kinds are told apart: by chance that happens once in more than 100,000 tests.
pub(super) const THRESHOLD: f64 = 4.5;

/// Crops beside the whole: interrupts and flushes only lengthen a time, and hide what is looked for.
const CROPS: u32 = 100;
/// Samples of each kind without which a crop says nothing.
const LEAST: usize = 30;

/// Times of two kinds of input, in the order in which they were taken.
#[derive(Default)]
pub(super) struct Times {
    /// Which kind, and nanoseconds.
    taken: Vec<(bool, f64)>,
}

impl Times {
    pub(super) fn push(&mut self, second: bool, nanoseconds: f64) {
        self.taken.push((second, nanoseconds));
    }

    /// The median of one kind, in nanoseconds.
    pub(super) fn median(&self, second: bool) -> f64 {
        let mut times: Vec<f64> =
            self.taken.iter().filter(|(kind, _)| *kind == second).map(|(_, time)| *time).collect();
        times.sort_unstable_by(f64::total_cmp);
        times.get(times.len() / 2).copied().unwrap_or_default()
    }

    /// The largest |t| of the whole and of the crops: the samples below each of a row of percentiles of both kinds together.
    pub(super) fn largest_t(&self) -> f64 {
        let mut sorted: Vec<f64> = self.taken.iter().map(|(_, time)| *time).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        // Denser towards the long times, as dudect has them: 1 - 0.5^(10 i / crops).
        let percentile = |crop: u32| 1.0 - 0.5_f64.powf(10.0 * f64::from(crop) / f64::from(CROPS));
        let limits = (1..=CROPS).filter_map(|crop| sorted.get((sorted.len() as f64 * percentile(crop)) as usize));
        limits.copied().chain([f64::INFINITY]).filter_map(|limit| self.t_below(limit)).fold(0.0, f64::max)
    }

    fn t_below(&self, limit: f64) -> Option<f64> {
        let mut kinds = [Moments::default(), Moments::default()];
        for (second, time) in self.taken.iter().filter(|(_, time)| *time <= limit) {
            kinds[usize::from(*second)].add(*time);
        }
        let [first, second] = kinds;
        (first.count >= LEAST && second.count >= LEAST).then(|| first.t(&second))
    }
}

/// Mean and variance of samples as they come (Welford).
#[derive(Default)]
struct Moments {
    count: usize,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        self.count += 1;
        let distance = value - self.mean;
        self.mean += distance / self.count as f64;
        self.squares += distance * (value - self.mean);
    }

    /// The variance of the mean.
    fn spread(&self) -> f64 {
        self.squares / (self.count as f64 - 1.0) / self.count as f64
    }

    fn t(&self, other: &Self) -> f64 {
        let spread = (self.spread() + other.spread()).sqrt();
        if spread == 0.0 {
            return if self.mean == other.mean { 0.0 } else { f64::INFINITY };
        }
        ((self.mean - other.mean) / spread).abs()
    }
}

#[cfg(test)]
mod tests {
    use super::{Moments, THRESHOLD, Times};

    #[test]
    fn t_is_welchs() {
        let moments = |values: &[f64]| {
            let mut moments = Moments::default();
            values.iter().for_each(|value| moments.add(*value));
            moments
        };
        // Means 3 and 6, variances 2.5 and 10, five of each: 3 / sqrt(0.5 + 2).
        let t = moments(&[1.0, 2.0, 3.0, 4.0, 5.0]).t(&moments(&[2.0, 4.0, 6.0, 8.0, 10.0]));
        assert!((t - 3.0 / 2.5_f64.sqrt()).abs() < 1e-12, "{t}");
    }

    /// Times with a wide, repeatable scatter, in which the second kind takes so much longer.
    fn times(longer: f64) -> Times {
        let mut times = Times::default();
        let mut state = 1_u32;
        for _ in 0..20_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let second = state >> 31 == 1;
            let scatter = f64::from(state >> 8 & 0xFFFF) / 655.36;
            // One in 16 is interrupted for very long.
            let interrupted = if state >> 24 & 0xF == 0 { 100_000.0 * scatter } else { 0.0 };
            times.push(second, 1_000.0 + scatter + interrupted + if second { longer } else { 0.0 });
        }
        times
    }

    #[test]
    fn a_small_difference_is_found_behind_interruptions_and_none_is_found_where_none_is() {
        assert!(times(5.0).largest_t() > THRESHOLD, "{}", times(5.0).largest_t());
        assert!(times(0.0).largest_t() < THRESHOLD, "{}", times(0.0).largest_t());
    }
}
