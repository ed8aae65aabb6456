//! What becomes of a request: a check for each thing that can be wrong, and then the service behind.

use std::{
    sync::{atomic::Ordering, Arc},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{header, request::Parts, HeaderName, HeaderValue, Response, StatusCode},
    response::IntoResponse,
};
use bpe_abi::typed_data::sign;
use bpe_agent::{
    formats::{
        BpeStream, Counter, Expected, PaymentOption, PaymentRequired, Resource, TaskOffer,
        PAYMENT_REQUIRED, PRICE, SCHEME, TASK, TASK_SIGNATURE,
    },
    queue::{retry_after, within, Refused, Slot},
    vouchers::{value_of, Finished, LedgerError, Pair, Taken},
};
use bpe_chain::ChainError;
use bpe_service::{
    answer::Answer,
    http::{passed_on, text, HttpError},
    relay, End, InHand, Relayed,
};
use http_body_util::Full;
use hyper::body::Incoming;
use metrics::counter;

use crate::shared::Shared;

/// The flow that a 402 proposes pays for the task within so many seconds.
const FLOW_SECONDS: u128 = 60;

/// Why a request is not taken.
enum Refusal {
    Answer(Answer),
    /// 402, as x402 has it.
    Unpaid(Box<PaymentRequired>),
}

impl From<Answer> for Refusal {
    fn from(answer: Answer) -> Self {
        Self::Answer(answer)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response<Body> {
        let required = match self {
            Self::Answer(answer) => return answer.into_response(),
            Self::Unpaid(required) => required,
        };
        let header = HeaderValue::from_str(&required.encode());
        let mut response = (StatusCode::PAYMENT_REQUIRED, axum::Json(&required)).into_response();
        if let Ok(header) = header {
            response
                .headers_mut()
                .insert(HeaderName::from_static(PAYMENT_REQUIRED), header);
        }
        response
    }
}

/// A task that was taken.
struct Task {
    offer: TaskOffer,
    /// Wei per work unit.
    price: u128,
    signature: String,
    place: Place,
    request_bytes: u64,
}

/// Serves any path.
pub async fn any(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let (result, response) = match taken(&shared, request).await {
        Ok(response) => ("taken", response),
        Err(refusal) => {
            let response = refusal.into_response();
            (refused(response.status()), response)
        }
    };
    counter!("bpe_sink_requests_total", "result" => result).increment(1);
    response
}

async fn taken(shared: &Arc<Shared>, request: Request) -> Result<Response<Body>, Refusal> {
    let (parts, body) = request.into_parts();
    let path: String = parts.uri.path().chars().take(200).collect();
    let within = shared.client.timeouts().idle;
    let body = read(body, shared.config.service.body_bytes, within).await?;
    let task = admit(shared, &parts, &path, body.len() as u64).await?;
    Ok(perform(shared, parts, body, task).await)
}

const fn refused(status: StatusCode) -> &'static str {
    match status.as_u16() {
        402 => "unpaid",
        409 => "seen",
        429 => "full",
        400..=499 => "malformed",
        _ => "unavailable",
    }
}

/// The whole of it, of at most so many bytes, within so many seconds: whoever dawdles holds a connection, and no place.
async fn read(body: Body, most: usize, within: u64) -> Result<Bytes, Answer> {
    let read = axum::body::to_bytes(body, most);
    let read = tokio::time::timeout(Duration::from_secs(within), read).await;
    let late = |_| {
        Answer::new(
            StatusCode::REQUEST_TIMEOUT,
            "body_too_slow",
            format!("the body did not arrive within {within} s"),
        )
    };
    read.map_err(late)?.map_err(|_| {
        Answer::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            format!("the body is longer than {most} bytes, or broke off"),
        )
    })
}

/// Whether a request is taken. Until its task is stored nothing has been signed, counted or charged.
async fn admit(
    shared: &Arc<Shared>,
    parts: &Parts,
    path: &str,
    request_bytes: u64,
) -> Result<Task, Refusal> {
    let Some(offer) = offered(shared, parts).await? else {
        return Err(no_task(shared, path).await);
    };
    if shared.drains() {
        return Err(Answer::unavailable("draining", "this sink takes no more tasks", 60).into());
    }
    if !shared.is_up() {
        return Err(Answer::unavailable("down", "the service behind does not answer", 5).into());
    }
    let pair = Pair::of(&offer);
    let store = |error: LedgerError| store_fault(&error);
    if shared
        .ledger
        .seen(&pair, offer.task_id)
        .await
        .map_err(store)?
    {
        return Err(seen().into());
    }
    let price = shared.money.price().await;
    let price = price.map_err(|error| chain_fault(&error))?;
    if offer.price() < price {
        let offered = offer.price();
        let why = format!("a work unit costs {price} wei here, and {offered} are offered");
        return Err(unpaid(shared, path, &why, price, 0, offer.value));
    }
    let slot = paid_slot(shared, &offer, path, price).await?;
    let slot = slot.run().await.map_err(|refused| busy(&refused))?;
    let place = Place::new(shared, slot);
    let signature = sign(&shared.base.signer, &offer.assignment(), &offer.domain());
    let cannot = |_| Answer::new(StatusCode::INTERNAL_SERVER_ERROR, "signer", "cannot sign");
    let signature = signature.map_err(cannot)?.to_string();
    let by = text(&parts.headers, TASK_SIGNATURE).unwrap_or_default();
    let taken = shared.ledger.take(&offer, by, &signature, price).await;
    match taken.map_err(store)? {
        Taken::New => Ok(Task {
            offer,
            price,
            signature,
            place,
            request_bytes,
        }),
        Taken::Seen => Err(seen().into()),
    }
}

fn seen() -> Answer {
    let why = "there has been a task of this id";
    Answer::new(StatusCode::CONFLICT, "task_seen", why)
}

/// The offer in a request's headers, checked and signed; `None` if there is none.
async fn offered(shared: &Shared, parts: &Parts) -> Result<Option<TaskOffer>, Answer> {
    let Some(header) = parts.headers.get(TASK) else {
        return Ok(None);
    };
    let malformed = |error: &dyn std::fmt::Display| Answer::bad("malformed_task", error);
    let header = header.to_str().map_err(|error| malformed(&error))?;
    let offer = TaskOffer::decode(header).map_err(|error| malformed(&error))?;
    let expected = Expected {
        chain_id: shared.base.chain_id,
        verifying_contract: shared.contract,
        sink: shared.sink(),
        now: shared.base.now(),
    };
    offer.check(&expected).map_err(|error| malformed(&error))?;
    if offer.task_type_id != shared.task_type() {
        let served = shared.task_type();
        return Err(malformed(&format!(
            "the task type is {}; this sink serves {served}",
            offer.task_type_id
        )));
    }
    let signature = text(&parts.headers, TASK_SIGNATURE).unwrap_or_default();
    let signer = offer.signer(signature).map_err(|error| malformed(&error))?;
    let signs = shared.money.signs_for(signer, offer.source).await;
    if !signs.map_err(|error| chain_fault(&error))? {
        let source = offer.source;
        return Err(malformed(&format!(
            "{signer} signed, who does not sign for {source}"
        )));
    }
    Ok(Some(offer))
}

/// A place in the queue, if what the source has covers it.
async fn paid_slot(
    shared: &Arc<Shared>,
    offer: &TaskOffer,
    path: &str,
    price: u128,
) -> Result<Slot, Refusal> {
    let fault = |error: ChainError| chain_fault(&error);
    let source = offer.source;
    let now = shared.base.now();
    // What is signed for and has not counted is spent already.
    let owes = |counted: u128| {
        let mut standing = shared.queue.look(|book| book.standing(source));
        standing.counted = standing.counted.max(counted);
        standing.at_risk()
    };
    let mut budget = shared
        .money
        .budget(source, now, false)
        .await
        .map_err(fault)?;
    let mut needed = owes(budget.funds.counted).saturating_add(offer.value);
    if budget.total < needed {
        budget = shared
            .money
            .budget(source, now, true)
            .await
            .map_err(fault)?;
        needed = owes(budget.funds.counted).saturating_add(offer.value);
    }
    let lacks = |needed: u128, total: u128| {
        let why = format!("the source has {total} wei for this, and would owe {needed}");
        unpaid(shared, path, &why, price, 0, needed)
    };
    if budget.total < needed {
        return Err(lacks(needed, budget.total));
    }
    let left = offer.deadline.saturating_sub(now);
    let admit = |funds| {
        let by = within(Duration::from_secs(left));
        shared.queue.admit(source, offer.value, funds, by)
    };
    let mut admitted = admit(budget.funds);
    if matches!(
        admitted,
        Err(Refused::Unsigned { .. } | Refused::Unsecured { .. } | Refused::Strangers { .. })
    ) {
        budget = shared
            .money
            .budget(source, now, true)
            .await
            .map_err(fault)?;
        admitted = admit(budget.funds);
    }
    let slot = admitted.map_err(|refused| match refused {
        Refused::Unsecured { needed, .. } => {
            unpaid(shared, path, &refused.to_string(), price, needed, needed)
        }
        _ => busy(&refused).into(),
    })?;
    // Others may have been admitted at the same time.
    let owed = owes(budget.funds.counted);
    if owed > budget.total {
        return Err(lacks(owed, budget.total));
    }
    Ok(slot)
}

fn busy(refused: &Refused) -> Answer {
    let code = match refused {
        Refused::Unsigned { .. } => "unsigned",
        Refused::Strangers { .. } => "strangers",
        _ => "busy",
    };
    Answer::busy(code, refused, retry_after(refused).unwrap_or(1))
}

fn store_fault(error: &dyn std::fmt::Display) -> Answer {
    tracing::error!(%error, "the store refuses: nothing is served");
    Answer::unavailable("store", "the store does not answer at the moment", 5)
}

fn chain_fault(error: &dyn std::fmt::Display) -> Answer {
    tracing::warn!(%error, "the chain does not answer");
    Answer::unavailable("chain", "the chain does not answer at the moment", 5)
}

async fn no_task(shared: &Shared, path: &str) -> Refusal {
    match shared.money.price().await {
        Ok(price) => unpaid(
            shared,
            path,
            "BPE-Task is missing: this service is paid",
            price,
            0,
            0,
        ),
        Err(error) => chain_fault(&error).into(),
    }
}

/// 402, as x402 has it.
fn unpaid(
    shared: &Shared,
    path: &str,
    why: &str,
    price: u128,
    earmark: u128,
    needed: u128,
) -> Refusal {
    let money = &shared.money;
    let required = PaymentRequired {
        x402_version: 2,
        error: why.to_owned(),
        resource: Resource {
            url: path.to_owned(),
            description: format!("work of {}, settled by vouchers", shared.task_type()),
            mime_type: "application/json".to_owned(),
        },
        accepts: vec![PaymentOption {
            scheme: SCHEME.to_owned(),
            network: format!("eip155:{}", shared.base.chain_id),
            amount: earmark,
            asset: money.token,
            pay_to: money.pool,
            max_timeout_seconds: 60,
            extra: BpeStream {
                stream_gateway: money.gateway,
                task_type_id: shared.task_type(),
                price,
                flow_rate: needed.div_ceil(FLOW_SECONDS),
                earmark,
            },
        }],
    };
    Refusal::Unpaid(Box::new(required))
}

/// Has the service behind do it. Whatever happens, the task ends in the store, and its place is free.
async fn perform(shared: &Arc<Shared>, parts: Parts, body: Bytes, task: Task) -> Response<Body> {
    let in_hand = InHand::new(
        shared.ledger.clone(),
        Pair::of(&task.offer),
        task.offer.task_id,
    );
    let request = match forwarded(shared, &parts, body) {
        Ok(request) => request,
        Err(answer) => return answer.into_response(),
    };
    let response = match shared.client.send(request).await {
        Ok(response) => response,
        Err(error) => return unreachable(shared, &error).into_response(),
    };
    if response.status().is_client_error() || response.status().is_server_error() {
        // What the service says, and nothing is owed for it.
        counter!("bpe_sink_tasks_total", "end" => "refused").increment(1);
        let (parts, incoming) = response.into_parts();
        let mut answer = Response::new(Body::new(incoming));
        *answer.status_mut() = parts.status;
        *answer.headers_mut() = passed_on(&parts.headers);
        return answer;
    }
    accept(shared, response, task, in_hand)
}

fn forwarded(
    shared: &Shared,
    parts: &Parts,
    body: Bytes,
) -> Result<axum::http::Request<Full<Bytes>>, Answer> {
    let upstream = shared.config.service.upstream.trim_end_matches('/');
    let path = parts.uri.path_and_query().map_or("/", |it| it.as_str());
    let mut request = axum::http::Request::new(Full::new(body));
    *request.method_mut() = parts.method.clone();
    *request.uri_mut() = format!("{upstream}{path}")
        .parse()
        .map_err(|_| Answer::bad("path", "the path cannot be requested"))?;
    let mut headers = passed_on(&parts.headers);
    // What is compressed cannot be counted.
    headers.remove(header::ACCEPT_ENCODING);
    headers.remove(header::EXPECT);
    *request.headers_mut() = headers;
    Ok(request)
}

fn unreachable(shared: &Shared, error: &HttpError) -> Answer {
    counter!("bpe_sink_tasks_total", "end" => "unreachable").increment(1);
    tracing::warn!(%error, "the service behind did not serve a task");
    match error {
        HttpError::Connect(_) => {
            shared.up.store(false, Ordering::Relaxed);
            Answer::unavailable("down", "the service behind does not answer", 5)
        }
        HttpError::FirstByte(_) => Answer::new(
            StatusCode::GATEWAY_TIMEOUT,
            "timeout",
            "the service behind did not answer in time",
        ),
        _ => Answer::new(
            StatusCode::BAD_GATEWAY,
            "upstream",
            "the service behind hung up before it answered",
        ),
    }
}

/// Signs for the task, and forwards the answer.
fn accept(
    shared: &Arc<Shared>,
    response: Response<Incoming>,
    task: Task,
    in_hand: InHand,
) -> Response<Body> {
    let (parts, incoming) = response.into_parts();
    let kind = text(&parts.headers, "content-type").map(ToOwned::to_owned);
    let counter = Counter::new(shared.scale, task.request_bytes, kind.as_deref());
    let mut headers = passed_on(&parts.headers);
    // The end is seen only when it is stored here, and an error event may have to follow.
    headers.remove(header::CONTENT_LENGTH);
    let signed = [
        (TASK_SIGNATURE, task.signature.clone()),
        (PRICE, task.price.to_string()),
    ];
    for (name, value) in signed {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    let timeouts = *shared.client.timeouts();
    let shared = Arc::clone(shared);
    let body = relay(incoming, counter, timeouts, move |relayed| async move {
        finish(&shared, task, in_hand, relayed).await;
    });
    let mut answer = Response::new(body);
    *answer.status_mut() = parts.status;
    *answer.headers_mut() = headers;
    answer
}

async fn finish(shared: &Shared, task: Task, in_hand: InHand, relayed: Relayed) {
    if relayed.end != End::Complete {
        let end = if relayed.end == End::ClientGone {
            "gone"
        } else {
            "broken"
        };
        counter!("bpe_sink_tasks_total", "end" => end).increment(1);
        tracing::info!(task = %task.offer.task_id, end = ?relayed.end, "a task was not completed");
        return;
    }
    let work = relayed.counter.work().min(task.offer.work);
    let value = value_of(work, task.price)
        .unwrap_or(u128::MAX)
        .min(task.offer.value);
    let finished = Finished::Done {
        work,
        value,
        at: shared.base.now(),
    };
    if !in_hand.end(finished).await {
        return;
    }
    shared.with_meter(|meter, _| meter.finished(work));
    task.place.done(value);
    counter!("bpe_sink_tasks_total", "end" => "done").increment(1);
}

/// A place in the queue; the meter sees when it is taken and when it is free.
struct Place {
    slot: Option<Slot>,
    shared: Arc<Shared>,
}

impl Place {
    fn new(shared: &Arc<Shared>, slot: Slot) -> Self {
        shared.look();
        Self {
            slot: Some(slot),
            shared: Arc::clone(shared),
        }
    }

    fn done(mut self, value: u128) {
        if let Some(slot) = self.slot.take() {
            slot.done(value);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.slot.take());
        self.shared.look();
    }
}
