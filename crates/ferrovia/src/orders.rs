//! Order events such as a shop would publish: what the demo produces, and the JSON that topics are filled with.

use std::io::Write;

/// Milliseconds since the epoch at which the first order is placed; a millisecond later comes the next.
const FIRST_ORDER_MS: u64 = 1_767_225_600_000;

const STATUSES: [&str; 4] = ["PLACED", "PAID", "SHIPPED", "DELIVERED"];
const COUNTRIES: [&str; 6] = ["DE", "FR", "US", "JP", "BR", "ZA"];
const PRODUCTS: [&str; 8] = [
    "espresso cup",
    "road bike tyre",
    "linen shirt",
    "desk lamp",
    "chess clock",
    "rain jacket",
    "garden hose",
    "phone stand",
];

/// Appends order number `number` as JSON of at least `size` bytes, and not many more, unless 0 leaves it as it comes.
/// The same number always gives the same order.
pub(crate) fn write_order(out: &mut Vec<u8>, number: u64, size: usize) {
    let start = out.len();
    let mut dice = fastrand::Rng::with_seed(number);
    let mut pick =
        |list: &[&'static str]| list.get(dice.usize(..list.len())).copied().unwrap_or("");
    let (status, country) = (pick(&STATUSES), pick(&COUNTRIES));
    let products = [pick(&PRODUCTS), pick(&PRODUCTS)];
    let placed_at = FIRST_ORDER_MS + number;
    let customer = dice.u32(1..1_000_000);
    // Writing to a vector cannot fail.
    let _ = write!(
        out,
        r#"{{"order_id":"o-{number:012}","customer":{{"id":{customer},"country":"{country}"}},"placed_at":{placed_at},"status":"{status}","currency":"EUR","lines":["#
    );
    let mut total_cents = 0;
    let mut is_first = true;
    let wanted = size.saturating_sub(CLOSING_BYTES);
    for product in products
        .into_iter()
        .chain(std::iter::repeat("gift voucher"))
    {
        if !is_first && out.len() - start >= wanted {
            break;
        }
        let (quantity, cents) = (dice.u32(1..5), dice.u32(199..99_999));
        total_cents += quantity * cents;
        let comma = if is_first { "" } else { "," };
        let sku = dice.u32(10_000..99_999);
        let _ = write!(
            out,
            r#"{comma}{{"sku":"S{sku}","product":"{product}","quantity":{quantity},"price":{}.{:02}}}"#,
            cents / 100,
            cents % 100
        );
        is_first = false;
    }
    let (euros, cents) = (total_cents / 100, total_cents % 100);
    let _ = write!(
        out,
        r#"],"total":{euros}.{cents:02},"gift":{}}}"#,
        dice.bool()
    );
}

/// Bytes after the last line of an order.
const CLOSING_BYTES: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    fn order(number: u64, size: usize) -> Vec<u8> {
        let mut out = Vec::new();
        write_order(&mut out, number, size);
        out
    }

    #[test]
    fn orders_are_json_with_a_total_of_their_lines() {
        for number in 0..200 {
            let order: serde_json::Value = serde_json::from_slice(&order(number, 600)).unwrap();
            let cents = |value: &serde_json::Value| (value.as_f64().unwrap() * 100.0).round();
            let lines = order["lines"].as_array().unwrap().iter();
            let sum: f64 = lines
                .map(|line| cents(&line["price"]) * cents(&line["quantity"]) / 100.0)
                .sum();
            assert_eq!(sum, cents(&order["total"]));
        }
    }

    #[test]
    fn size_is_met_within_a_line() {
        for size in [0, 300, 936, 5_000] {
            let length = order(7, size).len();
            assert!(
                length + 100 > size && length < size.max(250) + 150,
                "{size}: {length}"
            );
        }
    }

    #[test]
    fn an_order_is_the_same_every_time() {
        assert_eq!(order(42, 300), order(42, 300));
        assert_ne!(order(42, 300), order(43, 300));
    }
}
