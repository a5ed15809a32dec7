//! Every quickstart makes records of its schema, with a key.

use std::collections::BTreeSet;

use ferrovia_pipeline::data::validate::validate_value;
use ferrovia_pipeline::data::{Schema, Struct, Value};

use super::super::avro::Avro;
use super::super::plan::Plan;
use super::*;

const RECORDS: usize = 500;

fn plan(name: &str) -> Plan {
    let schema = Avro::parse(find(name).unwrap().schema).unwrap();
    Plan::compile(&schema, 0).unwrap()
}

fn each(name: &str, mut seen: impl FnMut(&Struct<'_>)) {
    let plan = plan(name);
    let mut state = plan.state(3);
    for _ in 0..RECORDS {
        match plan.next(&mut state) {
            Value::Struct(record) => seen(&record),
            other => panic!("{other:?}"),
        }
    }
}

/// All values of one field.
fn values(name: &str, field: &str) -> BTreeSet<String> {
    let mut values = BTreeSet::new();
    each(name, |record| {
        values.insert(record.get(field).unwrap().to_string());
    });
    values
}

#[test]
fn every_quickstart_makes_records_of_its_schema_with_a_key() {
    assert_eq!(ALL.len(), 38);
    for quickstart in ALL {
        let schema = plan(quickstart.name()).schema;
        assert!(
            schema.field(quickstart.key).is_some(),
            "{}",
            quickstart.name()
        );
        each(quickstart.name(), |record| {
            let value = Value::Struct(record.clone());
            validate_value(&schema, &value).unwrap();
            assert!(!record.get(quickstart.key).unwrap().is_null());
        });
    }
}

#[test]
fn quickstarts_are_found_in_any_case_and_by_file() {
    assert_eq!(find("USERS").unwrap().name(), "users");
    assert_eq!(find("users_").unwrap().name(), "users_");
    assert_eq!(find_file("users_schema.avro").unwrap().name(), "users");
    assert!(find("user").is_none());
}

#[test]
fn names_and_types_are_those_that_users_know() {
    let shape = |schema: &Schema| {
        let fields = schema.fields().iter();
        let fields: Vec<String> = fields
            .map(|field| format!("{} {}", field.name, field.schema.schema_type().name()))
            .collect();
        format!("{}: {}", schema.name().unwrap(), fields.join(", "))
    };
    for (name, expected) in [
        (
            "users",
            "ksql.users: registertime int64, userid string, regionid string, gender string",
        ),
        (
            "purchases",
            "datagen.example.purchase: id int64, item_type string, quantity int64, price_per_unit bytes",
        ),
        (
            "shoes",
            "shoes.shoe_product: id string, brand string, name string, sale_price int32, rating float64",
        ),
        (
            "pageviews",
            "ksql.pageviews: viewtime int64, userid string, pageid string",
        ),
        (
            "stores",
            "datagen.example.stores: store_id int32, city string, state string",
        ),
    ] {
        assert_eq!(shape(&plan(name).schema), expected);
    }
    let orders = plan("pizza_orders").schema;
    assert_eq!(
        orders.field("date").unwrap().schema.name().unwrap(),
        "org.apache.kafka.connect.data.Date"
    );
    let lines = orders
        .field("order_lines")
        .unwrap()
        .schema
        .value_schema()
        .unwrap();
    assert_eq!(lines.name(), Some("pizza_orders.order_line"));
}

#[test]
fn quickstarts_that_belong_together_share_their_keys() {
    for (left, left_field, right, right_field) in [
        ("shoe_orders", "product_id", "shoes", "id"),
        ("shoe_orders", "customer_id", "shoe_customers", "id"),
        ("shoe_clickstream", "user_id", "shoe_customers", "id"),
        (
            "insurance_customer_activity",
            "customer_id",
            "insurance_customers",
            "customer_id",
        ),
        ("siem_logs", "hostname", "device_information", "device_ip"),
        ("transactions", "store_id", "stores", "store_id"),
        ("transactions", "card_id", "credit_cards", "card_id"),
    ] {
        let (left_values, right_values) = (values(left, left_field), values(right, right_field));
        assert!(left_values.is_subset(&right_values), "{left} and {right}");
    }
}

#[test]
fn values_are_within_what_is_said_of_them() {
    let users = (1..=9).map(|number| format!("User_{number}"));
    assert_eq!(values("users", "userid"), users.collect());
    assert_eq!(
        values("stock_trades", "side"),
        BTreeSet::from(["BUY".into(), "SELL".into()])
    );
    each("purchases", |record| {
        let Value::Decimal(price) = record.get("price_per_unit").unwrap() else {
            panic!("{record:?}")
        };
        let price: f64 = price.to_string().parse().unwrap();
        assert!((10.0..50.0).contains(&price), "{price}");
    });
    each("pizza_orders", |record| {
        let Value::Array(lines) = record.get("order_lines").unwrap() else {
            panic!("{record:?}")
        };
        assert!((1..5).contains(&lines.len()));
    });
}
