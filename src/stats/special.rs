//! The functions behind the tests: incomplete beta, normal and Student's distribution, and their inverses.
//!
//! Accurate to about 1e-13 for counts up to millions; the tests compare them with scipy.

use std::f64::consts::{PI, TAU};

/// Returns the regularised incomplete beta function `I_x(a, b)`: the probability that a Beta(a, b)
/// variable is at most `x`. `a` and `b` are above 0.
///
/// Source: continued fraction 26.5.8 of Abramowitz and Stegun (1964), evaluated by Lentz's method.
pub(super) fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    // The fraction converges fast on this side alone.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_front(b, a, 1.0 - x) * beta_fraction(b, a, 1.0 - x) / b;
    }
    beta_front(a, b, x) * beta_fraction(a, b, x) / a
}

/// Returns the `x` at which `I_x(a, b)` is `p`.
pub(super) fn beta_quantile(a: f64, b: f64, p: f64) -> f64 {
    turning_point(0.0, 1.0, |x| incomplete_beta(a, b, x) >= p)
}

/// Returns the probability of exactly `k` of `n` at the given rate.
pub(super) fn binomial(k: f64, n: f64, rate: f64) -> f64 {
    if k <= 0.0 {
        return (n * (-rate).ln_1p()).exp();
    }
    if k >= n {
        return (n * rate.ln()).exp();
    }
    beta_front(k, n - k, rate) * n / (k * (n - k))
}

/// Returns the probability of at least `k` of `n` at the given rate.
pub(super) fn binomial_at_least(k: f64, n: f64, rate: f64) -> f64 {
    if k <= 0.0 {
        return 1.0;
    }
    if k > n {
        return 0.0;
    }
    incomplete_beta(k, n - k + 1.0, rate)
}

/// Returns `x^a (1-x)^b / B(a, b)` without the loss of digits that the logarithms of large factorials have.
///
/// Source: C. Loader, "Fast and Accurate Computation of Binomial Probabilities" (2000).
fn beta_front(a: f64, b: f64, x: f64) -> f64 {
    let n = a + b;
    let exponent = stirling_error(n)
        - stirling_error(a)
        - stirling_error(b)
        - deviance(a, n * x)
        - deviance(b, n * (1.0 - x));
    (a / n * b / TAU).sqrt() * exponent.exp()
}

/// Returns how far Stirling's formula is from the logarithm of the factorial of `x`.
fn stirling_error(x: f64) -> f64 {
    let (mut x, mut shifted) = (x, 0.0);
    while x < 16.0 {
        shifted += (x + 0.5) * (1.0 / x).ln_1p() - 1.0;
        x += 1.0;
    }
    let s = 1.0 / (x * x);
    let tail = s * (691.0 / 360_360.0 - s / 156.0);
    let tail = s * (1.0 / 1260.0 - s * (1.0 / 1680.0 - s * (1.0 / 1188.0) + s * tail));
    shifted + (1.0 / 12.0 - s / 360.0 + s * tail) / x
}

/// Returns `x ln(x / mean) + mean - x`, also where the two are almost equal.
fn deviance(x: f64, mean: f64) -> f64 {
    let gap = x - mean;
    if gap.abs() >= 0.1 * (x + mean) {
        return x * (x / mean).ln() - gap;
    }
    let ratio = gap / (x + mean);
    let (mut sum, mut term, mut odd) = (gap * ratio, 2.0 * x * ratio, 1.0);
    for _ in 0..50 {
        term *= ratio * ratio;
        odd += 2.0;
        sum += term / odd;
    }
    sum
}

/// Returns the continued fraction of the incomplete beta function.
fn beta_fraction(a: f64, b: f64, at: f64) -> f64 {
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let (mut above, mut below) = (1.0, 1.0 / away(1.0 - (a + b) * at / (a + 1.0)));
    let (mut fraction, mut m) = (below, 1.0);
    while m < MOST_TERMS {
        let even = m * (b - m) * at / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * at / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut step = 1.0;
        for part in [even, odd] {
            below = 1.0 / away(1.0 + part * below);
            above = away(1.0 + part / above);
            step *= above * below;
        }
        fraction *= step;
        if (step - 1.0).abs() < 1e-16 {
            break;
        }
        m += 1.0;
    }
    fraction
}

/// Returns the probability that a standard normal variable is above `z`.
///
/// Source: series 26.2.11 and continued fraction 26.2.14 of Abramowitz and Stegun (1964).
pub(super) fn normal_above(z: f64) -> f64 {
    if z < 0.0 {
        return 1.0 - normal_above(-z);
    }
    let density = (-z * z / 2.0).exp() / (2.0 * PI).sqrt();
    if z < 2.5 {
        let (mut sum, mut term, mut odd) = (z, z, 1.0);
        for _ in 0..80 {
            odd += 2.0;
            term *= z * z / odd;
            sum += term;
        }
        return (0.5 - density * sum).max(0.0);
    }
    let fraction = (1..=300).rev().fold(z, |below, k| z + f64::from(k) / below);
    density / fraction
}

/// Returns the value that a standard normal variable is above with probability `p`, from 0 to 1; 40 and -40 stand
/// for the infinite.
pub(super) fn normal_quantile_above(p: f64) -> f64 {
    if p > 0.5 {
        return -normal_quantile_above(1.0 - p);
    }
    turning_point(0.0, 40.0, |z| normal_above(z) <= p)
}

/// Returns the probability that Student's t with so many degrees of freedom is above `t`.
pub(super) fn student_above(t: f64, freedom: f64) -> f64 {
    let half = 0.5 * incomplete_beta(freedom / 2.0, 0.5, freedom / (freedom + t * t));
    if t < 0.0 { 1.0 - half } else { half }
}

/// Returns the value that Student's t is above with probability `p`, which is at most one half.
pub(super) fn student_quantile_above(p: f64, freedom: f64) -> f64 {
    turning_point(0.0, 1e9, |t| student_above(t, freedom) <= p)
}

/// Returns where a condition turns from false to true between two numbers, by halving.
pub(super) fn turning_point(low: f64, high: f64, holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (low, high);
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            break;
        }
        if holds(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    f64::midpoint(low, high)
}

/// Returns a count as a number.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(super) fn real(count: usize) -> f64 {
    count as f64
}

/// What stands for nothing in a denominator.
const TINY: f64 = 1e-300;
/// The most terms of a continued fraction; it takes about the square root of the counts.
const MOST_TERMS: f64 = 200_000.0;

#[cfg(test)]
mod tests {
    use super::super::golden;
    use super::*;

    #[test]
    fn the_distributions_agree_with_scipy() {
        for case in golden::cases("special") {
            let x = golden::numbers(&case["args"]);
            let name = case["function"].as_str().unwrap();
            let found = match name {
                "betainc" => incomplete_beta(x[0], x[1], x[2]),
                "betaincinv" => beta_quantile(x[0], x[1], x[2]),
                "binom.pmf" => binomial(x[0], x[1], x[2]),
                "norm.sf" => normal_above(x[0]),
                "norm.isf" => normal_quantile_above(x[0]),
                "t.sf" => student_above(x[0], x[1]),
                "t.isf" => student_quantile_above(x[0], x[1]),
                name => panic!("{name}"),
            };
            golden::assert_near(found, &case["value"], &format!("{name}{x:?}"));
        }
    }
}
