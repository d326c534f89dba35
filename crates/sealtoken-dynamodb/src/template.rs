//! The table as a template, for those who keep their infrastructure under version control.

use serde_json::{Value, json};

use super::item;
use super::shape::{ATTRIBUTES, INDEX, INDEX_KEY, KEY, KeyOf};

pub(super) fn cloud_formation(table: &str) -> String {
    let key = |key: KeyOf| key.map(|(name, role)| json!({"AttributeName": name, "KeyType": role}));
    let attributes =
        ATTRIBUTES.map(|(name, kind)| json!({"AttributeName": name, "AttributeType": kind}));
    let template: Value = json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "The table of a sealtoken store",
        "Resources": {
            "SealtokenTable": {
                "Type": "AWS::DynamoDB::Table",
                "DeletionPolicy": "Retain",
                "UpdateReplacePolicy": "Retain",
                "Properties": {
                    "TableName": table,
                    "BillingMode": "PAY_PER_REQUEST",
                    "AttributeDefinitions": attributes,
                    "KeySchema": key(KEY),
                    "GlobalSecondaryIndexes": [{
                        "IndexName": INDEX,
                        "KeySchema": key(INDEX_KEY),
                        "Projection": {"ProjectionType": "KEYS_ONLY"},
                    }],
                    "TimeToLiveSpecification": {"AttributeName": item::PURGE_AT, "Enabled": true},
                },
            },
        },
    });
    format!("{template:#}")
}

pub(super) fn terraform(table: &str) -> String {
    let attributes = ATTRIBUTES.map(|(name, kind)| {
        format!("\n  attribute {{\n    name = \"{name}\"\n    type = \"{kind}\"\n  }}\n")
    });
    let attributes = attributes.concat();
    let [(partition, _), (sort, _)] = KEY;
    let [(due, _), (at, _)] = INDEX_KEY;
    let name = quoted(table);
    format!(
        r#"resource "aws_dynamodb_table" "sealtoken" {{
  name         = {name}
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "{partition}"
  range_key    = "{sort}"
{attributes}
  global_secondary_index {{
    name            = "{INDEX}"
    hash_key        = "{due}"
    range_key       = "{at}"
    projection_type = "KEYS_ONLY"
  }}

  ttl {{
    attribute_name = "{at}"
    enabled        = true
  }}

  lifecycle {{
    prevent_destroy = true
  }}
}}"#
    )
}

/// A string of Terraform, in which `${` and `%{` begin an expression.
fn quoted(text: &str) -> String {
    let text = Value::from(text).to_string();
    text.replace("${", "$${").replace("%{", "%%{")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_templates_describe_the_same_table() {
        let text = cloud_formation("a \"table");
        let template: Value = serde_json::from_str(&text).unwrap();
        let table = &template["Resources"]["SealtokenTable"]["Properties"];
        assert_eq!(table["TableName"], "a \"table");
        let terraform = terraform("a \"table");
        assert!(terraform.contains("name         = \"a \\\"table\"\n"));
        for (name, kind) in ATTRIBUTES {
            let attribute = format!("    name = \"{name}\"\n    type = \"{kind}\"\n");
            assert!(terraform.contains(&attribute), "{attribute}");
        }
        let key = |of: &Value, at: usize| of["KeySchema"][at]["AttributeName"].clone();
        let index = &table["GlobalSecondaryIndexes"][0];
        for (name, value) in [
            ("  hash_key     = ", key(table, 0)),
            ("  range_key    = ", key(table, 1)),
            ("    hash_key        = ", key(index, 0)),
            ("    range_key       = ", key(index, 1)),
            (
                "    attribute_name = ",
                table["TimeToLiveSpecification"]["AttributeName"].clone(),
            ),
        ] {
            assert!(
                terraform.contains(&format!("\n{name}{value}\n")),
                "{name}{value}"
            );
        }
    }

    #[test]
    fn a_name_cannot_contain_an_expression() {
        assert_eq!(quoted("a${x}%{y}\"\n"), r#""a$${x}%%{y}\"\n""#);
    }
}
