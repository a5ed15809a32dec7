//! Schemas that are built in, by the names and with the fields, ranges and keys that users of Java's plugin know.
//!
//! # Source
//! `io.confluent.kafka.connect.datagen.Quickstart`

/// A schema with its key.
#[derive(Debug)]
pub(super) struct Quickstart {
    name: &'static str,
    /// What the file with the schema is called in Java's plugin, where `schema.filename` finds it, too.
    file: &'static str,
    /// The field that is the key.
    pub(super) key: &'static str,
    /// The schema as JSON.
    pub(super) schema: &'static str,
}

impl Quickstart {
    pub(super) fn name(&self) -> &'static str {
        self.name
    }
}

/// The quickstart of that name, in any case.
pub(super) fn find(name: &str) -> Option<&'static Quickstart> {
    ALL.iter()
        .find(|quickstart| quickstart.name.eq_ignore_ascii_case(name))
}

/// The quickstart whose schema has that file name.
pub(super) fn find_file(file: &str) -> Option<&'static Quickstart> {
    ALL.iter().find(|quickstart| quickstart.file == file)
}

macro_rules! quickstart {
    ($name:literal, $file:literal, $key:literal) => {
        Quickstart {
            name: $name,
            file: $file,
            key: $key,
            schema: include_str!(concat!("quickstart/", $name, ".json")),
        }
    };
}

/// All of them, in Java's order.
pub(super) const ALL: &[Quickstart] = &[
    quickstart!("clickstream_codes", "clickstream_codes_schema.avro", "code"),
    quickstart!("clickstream", "clickstream_schema.avro", "ip"),
    quickstart!(
        "clickstream_users",
        "clickstream_users_schema.avro",
        "user_id"
    ),
    quickstart!("orders", "orders_schema.avro", "orderid"),
    quickstart!("ratings", "ratings_schema.avro", "rating_id"),
    quickstart!("users", "users_schema.avro", "userid"),
    quickstart!("users_", "users_array_map_schema.avro", "userid"),
    quickstart!("pageviews", "pageviews_schema.avro", "viewtime"),
    quickstart!("stock_trades", "stock_trades_schema.avro", "symbol"),
    quickstart!("inventory", "inventory.avro", "id"),
    quickstart!("product", "product.avro", "id"),
    quickstart!("purchases", "purchase.avro", "id"),
    quickstart!("transactions", "transactions.avro", "transaction_id"),
    quickstart!("stores", "stores.avro", "store_id"),
    quickstart!("credit_cards", "credit_cards.avro", "card_id"),
    quickstart!("campaign_finance", "campaign_finance.avro", "candidate_id"),
    quickstart!(
        "fleet_mgmt_description",
        "fleet_mgmt_description.avro",
        "vehicle_id"
    ),
    quickstart!(
        "fleet_mgmt_location",
        "fleet_mgmt_location.avro",
        "vehicle_id"
    ),
    quickstart!(
        "fleet_mgmt_sensors",
        "fleet_mgmt_sensors.avro",
        "vehicle_id"
    ),
    quickstart!("pizza_orders", "pizza_orders.avro", "store_id"),
    quickstart!(
        "pizza_orders_completed",
        "pizza_orders_completed.avro",
        "store_id"
    ),
    quickstart!(
        "pizza_orders_cancelled",
        "pizza_orders_cancelled.avro",
        "store_id"
    ),
    quickstart!("insurance_offers", "insurance_offers.avro", "offer_id"),
    quickstart!(
        "insurance_customers",
        "insurance_customers.avro",
        "customer_id"
    ),
    quickstart!(
        "insurance_customer_activity",
        "insurance_customer_activity.avro",
        "activity_id"
    ),
    quickstart!("gaming_games", "gaming_games.avro", "id"),
    quickstart!("gaming_players", "gaming_players.avro", "player_id"),
    quickstart!(
        "gaming_player_activity",
        "gaming_player_activity.avro",
        "player_id"
    ),
    quickstart!("payroll_employee", "payroll_employee.avro", "employee_id"),
    quickstart!(
        "payroll_employee_location",
        "payroll_employee_location.avro",
        "employee_id"
    ),
    quickstart!("payroll_bonus", "payroll_bonus.avro", "employee_id"),
    quickstart!("syslog_logs", "syslog_logs.avro", "host"),
    quickstart!("device_information", "device_information.avro", "device_ip"),
    quickstart!("siem_logs", "siem_logs.avro", "hostname"),
    quickstart!("shoes", "shoes.avro", "id"),
    quickstart!("shoe_customers", "shoe_customers.avro", "id"),
    quickstart!("shoe_orders", "shoe_orders.avro", "order_id"),
    quickstart!("shoe_clickstream", "shoe_clickstream.avro", "product_id"),
];

#[cfg(test)]
mod tests;
