//! Who may do what with topics.

use std::sync::Arc;

use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::{CreateAclsRequest, DescribeAclsRequest};
use kafka_protocol::protocol::StrBytes;

use super::retry::ask_any;
use crate::cluster::Cluster;
use crate::error::ClientError;
use crate::wire::error_code::ErrorCode;

/// A rule about one topic, named in full.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TopicAcl {
    /// The topic; `*` is every topic.
    pub topic: Arc<str>,
    /// Whom it is about, as `User:alice`.
    pub principal: String,
    /// The address that they come from; `*` is any.
    pub host: String,
    /// What they may or may not do.
    pub operation: AclOperation,
    /// Whether they may.
    pub permission: AclPermission,
}

/// An operation, by its number in the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AclOperation(pub i8);

impl AclOperation {
    /// Every one.
    pub const ALL: Self = Self(2);
    /// Reading.
    pub const READ: Self = Self(3);
    /// Writing.
    pub const WRITE: Self = Self(4);
}

/// Whether something is allowed, by its number in the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AclPermission(pub i8);

impl AclPermission {
    /// It is forbidden.
    pub const DENY: Self = Self(2);
    /// It is allowed.
    pub const ALLOW: Self = Self(3);
}

/// Lists the rules about topics that are named in full.
///
/// # Errors
/// [`ClientError::Refused`], for one with `SECURITY_DISABLED` where the brokers know no rules; or
/// [`ClientError::GaveUp`].
///
/// # Source
/// `Admin.describeAcls` (KIP-140, KIP-290)
pub async fn topic_acls(cluster: &Cluster) -> Result<Vec<TopicAcl>, ClientError> {
    let request = DescribeAclsRequest::default()
        .with_resource_type_filter(TOPIC)
        .with_resource_name_filter(None)
        .with_pattern_type_filter(LITERAL)
        .with_principal_filter(None)
        .with_host_filter(None)
        .with_operation(ANY)
        .with_permission_type(ANY);
    let (connection, answer) = ask_any(cluster, request).await?;
    ErrorCode(answer.error_code)
        .ok()
        .map_err(|code| ClientError::Refused {
            api: "DescribeAcls",
            address: Arc::clone(connection.address()),
            code,
            detail: answer.error_message.as_deref().map(Arc::from),
        })?;
    let of_topics = answer
        .resources
        .iter()
        .filter(|resource| resource.resource_type == TOPIC && resource.pattern_type == LITERAL);
    let rules = of_topics.flat_map(|resource| {
        let topic: Arc<str> = resource.resource_name.as_str().into();
        resource.acls.iter().map(move |acl| TopicAcl {
            topic: Arc::clone(&topic),
            principal: acl.principal.to_string(),
            host: acl.host.to_string(),
            operation: AclOperation(acl.operation),
            permission: AclPermission(acl.permission_type),
        })
    });
    Ok(rules.collect())
}

/// What became of a rule: it holds, or a code with the broker's words.
pub type AclOutcome = Result<(), (ErrorCode, Option<Arc<str>>)>;

/// Makes rules; those that are there already are no error. The outcomes are in the order of the rules.
///
/// # Errors
/// Those of the connection, or [`ClientError::GaveUp`].
///
/// # Source
/// `Admin.createAcls` (KIP-140)
pub async fn create_topic_acls(
    cluster: &Cluster,
    rules: &[TopicAcl],
) -> Result<Vec<AclOutcome>, ClientError> {
    let creations = rules.iter().map(|rule| {
        AclCreation::default()
            .with_resource_type(TOPIC)
            .with_resource_name(StrBytes::from_string(rule.topic.to_string()))
            .with_resource_pattern_type(LITERAL)
            .with_principal(StrBytes::from_string(rule.principal.clone()))
            .with_host(StrBytes::from_string(rule.host.clone()))
            .with_operation(rule.operation.0)
            .with_permission_type(rule.permission.0)
    });
    let request = CreateAclsRequest::default().with_creations(creations.collect());
    let (_, answer) = ask_any(cluster, request).await?;
    let outcomes = answer.results.into_iter().map(|result| {
        let detail = result.error_message.as_deref().map(Arc::from);
        let code = ErrorCode(result.error_code).ok();
        code.map_err(|code| (code, detail))
    });
    Ok(outcomes.collect())
}

/// A resource's, an operation's and a permission's "whichever".
const ANY: i8 = 1;
const TOPIC: i8 = 2;
/// A name in full.
const LITERAL: i8 = 3;
