//! What becomes of a request: it goes to one sink after the other until one takes it, bounded in number, and not any
//! more once its answer has begun.

use std::{
    sync::{atomic::Ordering, Arc},
    time::Instant,
};

use alloy::primitives::{Address, B256};
use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{request::Parts, HeaderName, HeaderValue, Response, StatusCode},
    response::IntoResponse,
    Json,
};
use bpe_abi::typed_data::sign;
use bpe_agent::{
    formats::{
        Counter, PaymentOption, PaymentRequired, TaskOffer, PAYMENT_REQUIRED, PRICE, TASK,
        TASK_SIGNATURE,
    },
    vouchers::{value_of, Finished, Pair, Taken},
};
use bpe_service::{
    answer::Answer,
    http::{passed_on, retry_after, text, HttpError},
    relay, End, InHand, Relayed,
};
use http_body_util::Full;
use hyper::body::Incoming;
use metrics::counter;
use serde_json::{json, Value};
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    config::Model,
    money::{Hold, MoneyError},
    random::random,
    request::Asked,
    shared::Shared,
    sinks::Known,
};

/// A sink may ask for money several times for a request: for the stream, an earmark, and what others of ours took.
const MOST_PAYMENTS: usize = 4;

/// What is asked of every sink alike.
struct Job<'a> {
    parts: &'a Parts,
    body: Bytes,
    model: &'a Model,
    /// The most that it is, in work units of 1e-9.
    work: u128,
}

/// What came of asking a sink.
enum Outcome {
    Served(Response<Body>),
    Unpaid(Box<PaymentOption>, u128),
    Busy(u64),
    /// Nothing is wrong with the sink, and nothing came of it.
    Again,
    Fault(String),
}

/// A task of ours at a sink.
struct Visit {
    shared: Arc<Shared>,
    task_type: B256,
    sink: Address,
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.shared.sinks.ended(self.task_type, self.sink);
    }
}

/// The models that are configured, as OpenAI lists them.
pub async fn models(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let each = shared.config.models.keys();
    let data: Vec<Value> = each
        .map(|id| json!({"id": id, "object": "model", "created": 0, "owned_by": "bpe"}))
        .collect();
    Json(json!({"object": "list", "data": data}))
}

/// Serves any path.
pub async fn any(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let response = match serve(&shared, request).await {
        Ok(response) => response,
        Err(answer) => answer.into_response(),
    };
    let result = match response.status().as_u16() {
        200..=399 => "served",
        402 => "unpaid",
        429 | 503 => "unavailable",
        400..=499 => "refused",
        _ => "failed",
    };
    counter!("bpe_source_requests_total", "result" => result).increment(1);
    response
}

async fn serve(shared: &Arc<Shared>, request: Request) -> Result<Response<Body>, Answer> {
    if shared.draining.load(Ordering::Relaxed) {
        return Err(Answer::unavailable(
            "draining",
            "this gateway is about to stop",
            5,
        ));
    }
    let gate = Arc::clone(&shared.gate).try_acquire_owned();
    let permit = gate.map_err(|_| Answer::busy("busy", "too many requests at once", 1))?;
    let (parts, body) = request.into_parts();
    let most = shared.config.gateway.body_bytes;
    let body = axum::body::to_bytes(body, most).await.map_err(|_| {
        Answer::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            format!("the body is longer than {most} bytes, or did not arrive"),
        )
    })?;
    let asked = Asked::of(&body);
    let model = model_of(shared, &asked)?;
    let scale = shared
        .scales
        .get(&model.task_type)
        .copied()
        .unwrap_or_default();
    let work = asked.most_work(&scale, body.len() as u64, model.output_tokens);
    let job = Job {
        parts: &parts,
        body,
        model,
        work,
    };
    let mut permit = Some(permit);
    ask_around(shared, &job, &mut permit).await
}

fn model_of<'a>(shared: &'a Shared, asked: &Asked) -> Result<&'a Model, Answer> {
    let models = &shared.config.models;
    match &asked.model {
        Some(name) => models.get(name).ok_or_else(|| {
            let shown: String = name.chars().take(100).collect();
            Answer::new(
                StatusCode::NOT_FOUND,
                "model_not_found",
                format!("there is no model {shown:?} in the configuration of this gateway"),
            )
        }),
        // Where there is but one, nothing needs to be said.
        None if models.len() == 1 => models.values().next().ok_or_else(no_model),
        None => Err(no_model()),
    }
}

fn no_model() -> Answer {
    Answer::bad("model_missing", "the request names no model")
}

async fn ask_around(
    shared: &Arc<Shared>,
    job: &Job<'_>,
    permit: &mut Option<OwnedSemaphorePermit>,
) -> Result<Response<Body>, Answer> {
    let id = job.model.task_type;
    let mut not: Vec<Address> = Vec::new();
    let mut payments: Vec<Address> = Vec::new();
    let mut last = None;
    // Each sink is left for good after a refusal; payments and ids that were seen repeat it a bounded number of times.
    let most = shared.config.choose.tries * (1 + MOST_PAYMENTS);
    for _ in 0..most {
        if not.len() >= shared.config.choose.tries {
            break;
        }
        let Some(chosen) = shared.sinks.choose(id, &not, job.model.most_price) else {
            break;
        };
        let sink = chosen.sink;
        let visit = Visit {
            shared: Arc::clone(shared),
            task_type: id,
            sink,
        };
        match attempt(shared, job, &chosen, visit, permit).await? {
            Outcome::Served(response) => return Ok(response),
            Outcome::Unpaid(option, value) => {
                let before = payments.iter().filter(|paid| **paid == sink).count();
                if before >= MOST_PAYMENTS || option.extra.price > job.model.most_price {
                    not.push(sink);
                    last = Some(too_dear(&option, job.model));
                    continue;
                }
                payments.push(sink);
                let ensured = shared
                    .money
                    .ensure(&shared.base, id, sink, &option, value)
                    .await;
                if let Err(error) = ensured {
                    tracing::warn!(%sink, %error, "cannot pay");
                    not.push(sink);
                    last = Some(cannot_pay(&error));
                }
            }
            Outcome::Busy(seconds) => {
                shared.sinks.busy(id, sink, seconds);
                not.push(sink);
                last = Some(Answer::unavailable("busy", "all sinks are busy", seconds));
            }
            Outcome::Again => {}
            Outcome::Fault(reason) => {
                tracing::warn!(%sink, reason, "a sink failed");
                counter!("bpe_source_faults_total").increment(1);
                shared.sinks.failed(id, sink);
                not.push(sink);
                last = Some(Answer::new(
                    StatusCode::BAD_GATEWAY,
                    "sinks_failed",
                    "the sinks that were asked failed",
                ));
            }
        }
    }
    Err(last.unwrap_or_else(|| nobody(shared, id)))
}

fn nobody(shared: &Shared, task_type: B256) -> Answer {
    if shared.sinks.any(task_type) {
        let seconds = shared.sinks.soonest(task_type);
        Answer::unavailable(
            "no_sink",
            "no sink has room at a price that may be paid",
            seconds,
        )
    } else {
        Answer::unavailable("no_sink", "no sink serves this", 5)
    }
}

fn too_dear(option: &PaymentOption, model: &Model) -> Answer {
    Answer::new(
        StatusCode::PAYMENT_REQUIRED,
        "too_dear",
        format!(
            "a sink asks for {} wei per work unit and {} wei set aside; most_price is {}",
            option.extra.price, option.extra.earmark, model.most_price
        ),
    )
}

fn cannot_pay(error: &MoneyError) -> Answer {
    Answer::new(StatusCode::PAYMENT_REQUIRED, "cannot_pay", error)
}

/// What is offered: a tenth more than the sink says that it charges, as prices move, and at most what may be paid.
fn offered_price(chosen: &Known, model: &Model) -> u128 {
    if chosen.price == 0 {
        return model.most_price;
    }
    let more = chosen
        .price
        .saturating_add(chosen.price / 10)
        .saturating_add(1);
    more.min(model.most_price)
}

async fn attempt(
    shared: &Arc<Shared>,
    job: &Job<'_>,
    chosen: &Known,
    visit: Visit,
    permit: &mut Option<OwnedSemaphorePermit>,
) -> Result<Outcome, Answer> {
    let price = offered_price(chosen, job.model);
    // Rounded up: a work unit of it is worth the price at least.
    let value = value_of(job.work, price)
        .unwrap_or(u128::MAX)
        .saturating_add(1);
    let hold = shared
        .money
        .hold(value)
        .map_err(|error| cannot_pay(&error))?;
    let now = shared.base.now();
    let offer = TaskOffer {
        primary_type: "WorkAssignment".to_owned(),
        chain_id: shared.base.chain_id,
        verifying_contract: shared.contract,
        task_type_id: job.model.task_type,
        sink: chosen.sink,
        source: shared.source(),
        task_id: random(),
        work: job.work,
        value,
        timestamp: now,
        deadline: now + shared.config.gateway.deadline,
    };
    let signature = sign(&shared.base.signer, &offer.assignment(), &offer.domain());
    let signature = signature
        .map_err(|_| Answer::new(StatusCode::INTERNAL_SERVER_ERROR, "signer", "cannot sign"))?
        .to_string();
    let taken = shared.ledger.take(&offer, &signature, "", price).await;
    match taken {
        Ok(Taken::New) => {}
        Ok(Taken::Seen) => return Ok(Outcome::Again),
        Err(error) => {
            tracing::error!(%error, "the store refuses: nothing is asked for");
            return Err(Answer::unavailable(
                "store",
                "the store does not answer at the moment",
                5,
            ));
        }
    }
    let pair = Pair::of(&offer);
    let in_hand = InHand::new(shared.ledger.clone(), pair, offer.task_id);
    let Some(request) = forwarded(job, chosen, &offer, &signature) else {
        return Ok(Outcome::Fault("its address cannot be requested".to_owned()));
    };
    let begun = Instant::now();
    let response = match shared.client(&chosen.url).send(request).await {
        Ok(response) => response,
        Err(HttpError::FirstByte(seconds)) => {
            // It may be at work: nobody else gets the same prompt once it has cost so much time.
            shared.sinks.failed(job.model.task_type, chosen.sink);
            let late = format!("no answer began within {seconds} s");
            return Err(Answer::new(StatusCode::GATEWAY_TIMEOUT, "timeout", late));
        }
        Err(error) => return Ok(Outcome::Fault(error.to_string())),
    };
    match response.status().as_u16() {
        402 => return Ok(unpaid(response.headers(), value)),
        409 => return Ok(Outcome::Again),
        429 | 503 => return Ok(Outcome::Busy(retry_after(response.headers()).unwrap_or(1))),
        400..=599 => return Ok(Outcome::Served(said(response))),
        _ => {}
    }
    shared
        .sinks
        .began(job.model.task_type, chosen.sink, begun.elapsed());
    let Some((sink_signature, price)) = acceptance(&offer, response.headers()) else {
        return Ok(Outcome::Fault(
            "it answered without accepting the task".to_owned(),
        ));
    };
    let stored = shared
        .ledger
        .accepted(&pair, offer.task_id, &sink_signature, price)
        .await;
    if let Err(error) = stored {
        tracing::error!(%error, "the store refuses");
        return Err(Answer::unavailable(
            "store",
            "the store does not answer at the moment",
            5,
        ));
    }
    let task = Task {
        offer,
        price,
        in_hand,
        hold,
        visit,
        permit: permit.take(),
        request_bytes: job.body.len() as u64,
    };
    Ok(Outcome::Served(forward(shared, response, task)))
}

fn forwarded(
    job: &Job<'_>,
    chosen: &Known,
    offer: &TaskOffer,
    signature: &str,
) -> Option<axum::http::Request<Full<Bytes>>> {
    let path = job.parts.uri.path_and_query().map_or("/", |it| it.as_str());
    let mut request = axum::http::Request::new(Full::new(job.body.clone()));
    *request.method_mut() = job.parts.method.clone();
    *request.uri_mut() = format!("{}{path}", chosen.url.trim_end_matches('/'))
        .parse()
        .ok()?;
    let mut headers = passed_on(&job.parts.headers);
    // The client's key is for this gateway, and no sink's business.
    headers.remove(axum::http::header::AUTHORIZATION);
    headers.remove(axum::http::header::COOKIE);
    headers.remove(axum::http::header::ACCEPT_ENCODING);
    headers.remove(axum::http::header::EXPECT);
    let own = [
        (TASK, offer.encode()),
        (TASK_SIGNATURE, signature.to_owned()),
    ];
    for (name, value) in own {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_str(&value).ok()?,
        );
    }
    *request.headers_mut() = headers;
    Some(request)
}

fn unpaid(headers: &axum::http::HeaderMap, value: u128) -> Outcome {
    let required = text(headers, PAYMENT_REQUIRED).and_then(PaymentRequired::decode);
    match required.as_ref().and_then(PaymentRequired::option) {
        Some(option) => Outcome::Unpaid(Box::new(option.clone()), value),
        None => Outcome::Fault("it asks for money and does not say how".to_owned()),
    }
}

/// What the service behind a sink says, passed through.
fn said(response: Response<Incoming>) -> Response<Body> {
    let (parts, incoming) = response.into_parts();
    let mut answer = Response::new(Body::new(incoming));
    *answer.status_mut() = parts.status;
    *answer.headers_mut() = passed_on(&parts.headers);
    answer
}

/// The sink's signature and its price, if both are as they should be.
fn acceptance(offer: &TaskOffer, headers: &axum::http::HeaderMap) -> Option<(String, u128)> {
    let signature = text(headers, TASK_SIGNATURE)?;
    let price: u128 = text(headers, PRICE)?.parse().ok()?;
    let right = offer.signer(signature).ok()? == offer.sink && price <= offer.price();
    right.then(|| (signature.to_owned(), price))
}

/// A task that a sink has accepted.
struct Task {
    offer: TaskOffer,
    /// Wei per work unit.
    price: u128,
    in_hand: InHand,
    hold: Hold,
    visit: Visit,
    permit: Option<OwnedSemaphorePermit>,
    request_bytes: u64,
}

fn forward(shared: &Arc<Shared>, response: Response<Incoming>, task: Task) -> Response<Body> {
    let (parts, incoming) = response.into_parts();
    let scale = shared
        .scales
        .get(&task.offer.task_type_id)
        .copied()
        .unwrap_or_default();
    let kind = text(&parts.headers, "content-type").map(ToOwned::to_owned);
    let counter = Counter::new(scale, task.request_bytes, kind.as_deref());
    let mut headers = passed_on(&parts.headers);
    // The end is seen only when it is stored here, and an error event may have to follow.
    headers.remove(axum::http::header::CONTENT_LENGTH);
    let own = [
        ("bpe-sink", task.offer.sink.to_checksum(None)),
        (PRICE, task.price.to_string()),
    ];
    for (name, value) in own {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    let timeouts = *shared.client.timeouts();
    let shared = Arc::clone(shared);
    let body = relay(incoming, counter, timeouts, move |relayed| async move {
        finish(&shared, task, relayed).await;
    });
    let mut answer = Response::new(body);
    *answer.status_mut() = parts.status;
    *answer.headers_mut() = headers;
    answer
}

async fn finish(shared: &Shared, task: Task, relayed: Relayed) {
    let (id, sink) = (task.offer.task_type_id, task.offer.sink);
    let end = match &relayed.end {
        End::Complete => "done",
        End::Broken(_) => "broken",
        End::ClientGone => "gone",
    };
    counter!("bpe_source_tasks_total", "end" => end).increment(1);
    drop(task.permit);
    drop(task.visit);
    match relayed.end {
        End::Complete => {}
        End::Broken(reason) => {
            tracing::warn!(%sink, reason, "an answer broke off: it is not paid for");
            shared.sinks.failed(id, sink);
            return;
        }
        End::ClientGone => return,
    }
    shared.sinks.done(id, sink);
    let work = relayed.counter.work().min(task.offer.work);
    let value = value_of(work, task.price)
        .unwrap_or(u128::MAX)
        .min(task.offer.value);
    let finished = Finished::Done {
        work,
        value,
        at: shared.base.now(),
    };
    if !task.in_hand.end(finished).await {
        return;
    }
    task.hold.cost(value);
    shared.money.spent_on(id, value);
    shared.owed.notify_one();
}
