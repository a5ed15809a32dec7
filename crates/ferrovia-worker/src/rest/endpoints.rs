//! The table of endpoints: the only list of them. The router and the OpenAPI document are made of it.

use axum::routing::{MethodRouter, delete, get, patch, post, put};

use super::{
    RestState, changes, connectors, health, internal, loggers, offsets, openapi, plugins, root,
};

/// Who an endpoint is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    /// Everybody.
    Users,
    /// Those who look after the worker; possibly at listeners of their own.
    Admins,
    /// Other workers.
    Workers,
}

/// A method of an address.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) audience: Audience,
    /// What it does, for people.
    pub(super) summary: &'static str,
    /// Parameters in the query.
    pub(super) parameters: &'static [&'static str],
    /// The schema of the request's body.
    pub(super) body: Option<&'static str>,
    /// The statuses of success with the schemas of their bodies.
    pub(super) answers: &'static [(u16, Option<&'static str>)],
    pub(super) router: MethodRouter<RestState>,
}

impl Endpoint {
    fn new(
        method: &'static str,
        path: &'static str,
        router: MethodRouter<RestState>,
        summary: &'static str,
    ) -> Self {
        Self {
            method,
            path,
            audience: Audience::Users,
            summary,
            parameters: &[],
            body: None,
            answers: &[],
            router,
        }
    }

    fn audience(self, audience: Audience) -> Self {
        Self { audience, ..self }
    }

    fn parameters(self, parameters: &'static [&'static str]) -> Self {
        Self { parameters, ..self }
    }

    fn body(self, schema: &'static str) -> Self {
        Self {
            body: Some(schema),
            ..self
        }
    }

    fn answers(self, answers: &'static [(u16, Option<&'static str>)]) -> Self {
        Self { answers, ..self }
    }
}

/// All endpoints.
pub(super) fn endpoints() -> Vec<Endpoint> {
    [
        about_the_worker(),
        about_plugins(),
        about_connectors(),
        about_offsets_and_topics(),
        of_states(),
        of_tasks(),
        of_loggers(),
    ]
    .concat()
}

fn about_the_worker() -> Vec<Endpoint> {
    vec![
        Endpoint::new(
            "get",
            "/",
            get(root::info),
            "Version and Kafka cluster of this worker",
        )
        .answers(&[(200, Some("ServerInfo"))]),
        Endpoint::new(
            "get",
            "/health",
            get(health::health),
            "Whether the worker is up and answers",
        )
        .answers(&[
            (200, Some("WorkerStatus")),
            (500, Some("WorkerStatus")),
            (503, Some("WorkerStatus")),
        ]),
        Endpoint::new(
            "get",
            "/openapi.json",
            get(openapi::document),
            "This document",
        )
        .answers(&[(200, Some("OpenApi"))]),
    ]
}

fn about_plugins() -> Vec<Endpoint> {
    vec![
        Endpoint::new(
            "get",
            "/connector-plugins",
            get(plugins::list),
            "The plugins that there are",
        )
        .parameters(&["connectorsOnly"])
        .answers(&[(200, Some("PluginInfos"))]),
        Endpoint::new(
            "get",
            "/connector-plugins/{plugin}/config",
            get(plugins::config),
            "The definitions of a plugin's settings",
        )
        .parameters(&["version"])
        .answers(&[(200, Some("ConfigKeyInfos"))]),
        Endpoint::new(
            "put",
            "/connector-plugins/{plugin}/config/validate",
            put(plugins::validate),
            "Check settings without making a connector",
        )
        .body("Config")
        .answers(&[(200, Some("ConfigInfos"))]),
    ]
}

fn about_connectors() -> Vec<Endpoint> {
    vec![
        Endpoint::new(
            "get",
            "/connectors",
            get(connectors::list),
            "The connectors",
        )
        .parameters(&["expand"])
        .answers(&[(200, Some("Connectors"))]),
        Endpoint::new(
            "post",
            "/connectors",
            post(changes::create),
            "Make a connector",
        )
        .parameters(&["forward"])
        .body("CreateConnectorRequest")
        .answers(&[(201, Some("ConnectorInfo"))]),
        Endpoint::new(
            "get",
            "/connectors/{connector}",
            get(connectors::info),
            "A connector as configured",
        )
        .answers(&[(200, Some("ConnectorInfo"))]),
        Endpoint::new(
            "delete",
            "/connectors/{connector}",
            delete(changes::delete),
            "Remove a connector",
        )
        .parameters(&["forward"])
        .answers(&[(204, None)]),
        Endpoint::new(
            "get",
            "/connectors/{connector}/config",
            get(connectors::config),
            "A connector's settings",
        )
        .answers(&[(200, Some("Config"))]),
        Endpoint::new(
            "put",
            "/connectors/{connector}/config",
            put(changes::put_config),
            "Make a connector, or give it these settings",
        )
        .parameters(&["forward"])
        .body("Config")
        .answers(&[(200, Some("ConnectorInfo")), (201, Some("ConnectorInfo"))]),
        Endpoint::new(
            "patch",
            "/connectors/{connector}/config",
            patch(changes::patch_config),
            "Change some settings; null removes one",
        )
        .parameters(&["forward"])
        .body("ConfigPatch")
        .answers(&[(200, Some("ConnectorInfo"))]),
    ]
}

fn about_offsets_and_topics() -> Vec<Endpoint> {
    vec![
        Endpoint::new(
            "get",
            "/connectors/{connector}/topics",
            get(connectors::topics),
            "The topics that a connector has used",
        )
        .answers(&[(200, Some("ActiveTopics"))]),
        Endpoint::new(
            "put",
            "/connectors/{connector}/topics/reset",
            put(connectors::reset_topics),
            "Forget which topics a connector has used",
        )
        .answers(&[(202, None)]),
        Endpoint::new(
            "get",
            "/connectors/{connector}/offsets",
            get(offsets::get),
            "Where a connector stands",
        )
        .answers(&[(200, Some("ConnectorOffsets"))]),
        Endpoint::new(
            "patch",
            "/connectors/{connector}/offsets",
            patch(offsets::alter),
            "Set the offsets of a stopped connector",
        )
        .parameters(&["forward"])
        .body("ConnectorOffsets")
        .answers(&[(200, Some("Message"))]),
        Endpoint::new(
            "delete",
            "/connectors/{connector}/offsets",
            delete(offsets::reset),
            "Forget the offsets of a stopped connector",
        )
        .parameters(&["forward"])
        .answers(&[(200, Some("Message"))]),
    ]
}

fn of_states() -> Vec<Endpoint> {
    vec![
        Endpoint::new(
            "get",
            "/connectors/{connector}/status",
            get(connectors::status),
            "How a connector and its tasks are doing",
        )
        .answers(&[(200, Some("ConnectorStateInfo"))]),
        Endpoint::new(
            "put",
            "/connectors/{connector}/pause",
            put(changes::pause),
            "Let a connector's tasks wait",
        )
        .answers(&[(202, None)]),
        Endpoint::new(
            "put",
            "/connectors/{connector}/resume",
            put(changes::resume),
            "Let a connector run again",
        )
        .answers(&[(202, None)]),
        Endpoint::new(
            "put",
            "/connectors/{connector}/stop",
            put(changes::stop),
            "Stop a connector and its tasks",
        )
        .parameters(&["forward"])
        .answers(&[(204, None)]),
        Endpoint::new(
            "post",
            "/connectors/{connector}/restart",
            post(changes::restart),
            "Restart a connector, and its tasks if asked",
        )
        .parameters(&["includeTasks", "onlyFailed", "forward"])
        .answers(&[(202, Some("ConnectorStateInfo")), (204, None)]),
    ]
}

fn of_tasks() -> Vec<Endpoint> {
    vec![
        Endpoint::new(
            "get",
            "/connectors/{connector}/tasks",
            get(connectors::tasks),
            "A connector's tasks as configured",
        )
        .answers(&[(200, Some("TaskInfos"))]),
        Endpoint::new(
            "post",
            "/connectors/{connector}/tasks",
            post(internal::put_tasks),
            "Settings of tasks, from another worker",
        )
        .audience(Audience::Workers)
        .parameters(&["forward"])
        .body("TaskConfigs")
        .answers(&[(204, None)]),
        Endpoint::new(
            "put",
            "/connectors/{connector}/fence",
            put(internal::fence),
            "Fence older tasks, for another worker",
        )
        .audience(Audience::Workers)
        .parameters(&["forward"])
        .answers(&[(204, None)]),
        Endpoint::new(
            "get",
            "/connectors/{connector}/tasks/{task}/status",
            get(connectors::task_status),
            "How a task is doing",
        )
        .answers(&[(200, Some("TaskState"))]),
        Endpoint::new(
            "post",
            "/connectors/{connector}/tasks/{task}/restart",
            post(changes::restart_task),
            "Restart a task",
        )
        .parameters(&["forward"])
        .answers(&[(204, None)]),
    ]
}

fn of_loggers() -> Vec<Endpoint> {
    let loggers = [
        Endpoint::new(
            "get",
            "/admin/loggers",
            get(loggers::list),
            "All loggers and their levels",
        )
        .answers(&[(200, Some("Loggers"))]),
        Endpoint::new(
            "get",
            "/admin/loggers/{logger}",
            get(loggers::get),
            "A logger's level",
        )
        .answers(&[(200, Some("LoggerLevel"))]),
        Endpoint::new(
            "put",
            "/admin/loggers/{logger}",
            put(loggers::set),
            "Set the level of a logger and of all below it",
        )
        .parameters(&["scope"])
        .body("SetLevel")
        .answers(&[(200, Some("LoggerNames")), (204, None)]),
    ];
    loggers
        .map(|endpoint| endpoint.audience(Audience::Admins))
        .to_vec()
}
