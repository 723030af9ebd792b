//! The aggregated endpoint in Rust: axum, a deadpool of tokio-postgres connections per
//! store, hyper's pooled client for the upstream, `try_join!` under one timeout.

use std::{env, error::Error, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderValue, StatusCode, Uri, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
    serve::ListenerExt,
};
use bytes::Bytes;
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use serde::Deserialize;
use tokio::{net::TcpListener, time::timeout};
use tokio_postgres::{
    NoTls, Row,
    types::{FromSql, Type},
};

#[global_allocator]
static ALLOC: mimalloc::MiMalloc = mimalloc::MiMalloc;

const DEADLINE: Duration = Duration::from_secs(2);
const USER_SQL: &str = "SELECT data FROM users WHERE id=$1";
const ANALYTICS_SQL: &str = "SELECT event_type, count FROM analytics WHERE user_id=$1";
const MAX_UPSTREAM: usize = 1 << 20;

type AnyError = Box<dyn Error + Send + Sync>;

enum Failure {
    BadRequest,
    NotFound,
    Deadline,
    Internal(AnyError),
}

impl<E: Into<AnyError>> From<E> for Failure {
    fn from(e: E) -> Self {
        Failure::Internal(e.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, body) = match self {
            Failure::BadRequest => (
                StatusCode::BAD_REQUEST,
                r#"{"error":"user_id must be a positive integer"}"#,
            ),
            Failure::NotFound => (StatusCode::NOT_FOUND, r#"{"error":"user not found"}"#),
            Failure::Deadline => (
                StatusCode::REQUEST_TIMEOUT,
                r#"{"error":"deadline exceeded"}"#,
            ),
            Failure::Internal(e) => {
                eprintln!("internal error: {e}");
                (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    r#"{"error":"internal error"}"#,
                )
            }
        };
        (status, JSON, body).into_response()
    }
}

const JSON: [(axum::http::HeaderName, HeaderValue); 1] =
    [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];

/// A jsonb value left as the text Postgres sent, borrowed from the row.
struct RawJson<'a>(&'a [u8]);

impl<'a> FromSql<'a> for RawJson<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        match raw.split_first() {
            Some((1, text)) => Ok(RawJson(text)), // the binary form is a version byte, then text
            _ => Err("unknown jsonb version".into()),
        }
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::JSONB
    }
}

struct Gateway {
    users: Pool,
    analytics: Pool,
    client: Client<HttpConnector, Empty<Bytes>>,
    recs: String, // everything before the user's id
}

impl Gateway {
    async fn user(&self, id: i32) -> Result<Row, Failure> {
        let db = self.users.get().await?;
        let sql = db.prepare_cached(USER_SQL).await?;
        db.query_opt(&sql, &[&id]).await?.ok_or(Failure::NotFound)
    }

    async fn counters(&self, id: i32) -> Result<Vec<Row>, Failure> {
        let db = self.analytics.get().await?;
        let sql = db.prepare_cached(ANALYTICS_SQL).await?;
        Ok(db.query(&sql, &[&id]).await?)
    }

    async fn recommendations(&self, id: i32) -> Result<Vec<String>, Failure> {
        let uri: Uri = format!("{}{id}", self.recs).try_into()?;
        let res = self.client.get(uri).await?;
        let status = res.status();
        let body = Limited::new(res.into_body(), MAX_UPSTREAM)
            .collect()
            .await?
            .to_bytes();
        if status != StatusCode::OK {
            return Err(format!("recommendations answered {status}").into());
        }
        Ok(serde_json::from_slice(&body)?)
    }
}

#[derive(Deserialize)]
struct Params {
    user_id: Option<String>,
}

fn parse_id(s: &str) -> Option<i32> {
    if !s.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    s.parse().ok().filter(|&n| n > 0)
}

async fn aggregated(
    State(gw): State<Arc<Gateway>>,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<Response, Failure> {
    let id = params
        .ok()
        .and_then(|Query(p)| p.user_id)
        .and_then(|s| parse_id(&s))
        .ok_or(Failure::BadRequest)?;

    let all = async { tokio::try_join!(gw.user(id), gw.recommendations(id), gw.counters(id)) };
    let (user, recs, counters) = timeout(DEADLINE, all)
        .await
        .map_err(|_| Failure::Deadline)??;

    let data: RawJson = user.try_get(0)?;
    let mut out = Vec::with_capacity(data.0.len() + 1024);
    out.extend_from_slice(br#"{"user_data":"#);
    out.extend_from_slice(data.0);
    out.extend_from_slice(br#","recommendations":"#);
    serde_json::to_writer(&mut out, &recs)?;
    out.extend_from_slice(br#","analytics":{"#);
    for (i, row) in counters.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        serde_json::to_writer(&mut out, row.try_get::<_, &str>(0)?)?;
        out.push(b':');
        serde_json::to_writer(&mut out, &row.try_get::<_, i32>(1)?)?;
    }
    out.extend_from_slice(b"}}");
    Ok((JSON, out).into_response())
}

fn open_pool(url: &str, size: usize) -> Result<Pool, AnyError> {
    let mut config: tokio_postgres::Config = url.parse()?;
    config.options("-c statement_timeout=2500");
    let manager = Manager::from_config(
        config,
        NoTls,
        ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        },
    );
    Ok(Pool::builder(manager).max_size(size).build()?)
}

async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut term = signal(SignalKind::terminate()).expect("SIGTERM handler");
    tokio::select! {
        _ = term.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

async fn run() -> Result<(), AnyError> {
    let var = |name: &str, otherwise: &str| env::var(name).unwrap_or_else(|_| otherwise.into());
    let size: usize = var("POOL_SIZE", "20").parse()?;
    let dsn = env::var("DATABASE_URL").map_err(|_| "DATABASE_URL is not set")?;
    let base = env::var("RECS_URL").map_err(|_| "RECS_URL is not set")?;

    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let gateway = Gateway {
        users: open_pool(&dsn, size)?,
        analytics: open_pool(&var("ANALYTICS_URL", &dsn), size)?,
        client: Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(90))
            .build(connector),
        recs: format!("{}/recommendations?user=", base.trim_end_matches('/')),
    };

    let app = Router::new()
        .route("/api/aggregated", get(aggregated))
        .route("/health", get(async || (JSON, r#"{"status":"ok"}"#)))
        .with_state(Arc::new(gateway));
    let port: u16 = var("PORT", "8080").parse()?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?.tap_io(|tcp| {
        let _ = tcp.set_nodelay(true);
    });
    axum::serve(listener, app)
        .with_graceful_shutdown(stop_signal())
        .await?;
    Ok(())
}

fn main() -> Result<(), AnyError> {
    // On a single core the work-stealing scheduler has nobody to steal from.
    let one_core = std::thread::available_parallelism().is_ok_and(|n| n.get() == 1);
    let mut builder = if one_core {
        tokio::runtime::Builder::new_current_thread()
    } else {
        tokio::runtime::Builder::new_multi_thread()
    };
    builder.enable_all().build()?.block_on(run())
}
