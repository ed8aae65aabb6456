// The keeper's page: reads the API, draws, and hears of changes by server-sent events. No framework, nothing from elsewhere.
"use strict";

const MONTH = 2592000;
const state = { types: [], selected: null, sinks: [], streams: [], series: {}, keeper: null, names: new Map() };
const byId = (id) => document.getElementById(id);

async function get(path) {
  const response = await fetch(path, { headers: { accept: "application/json" } });
  const body = await response.json().catch(() => ({}));
  if (!response.ok && response.status !== 503) throw new Error(body.detail || `${path}: ${response.status}`);
  if (response.status === 503) throw new Error(body.detail || "the keeper does not answer");
  return body;
}

async function all(path) {
  const items = [];
  for (let after = null, pages = 0; pages < 20; pages++) {
    const query = `${path.includes("?") ? "&" : "?"}limit=1000${after ? `&after=${encodeURIComponent(after)}` : ""}`;
    const page = await get(path + query);
    items.push(...page.items);
    if (!page.next) break;
    after = page.next;
  }
  return items;
}

// Amounts are decimal strings beyond 2^53: divided as integers, shown as numbers.
function scaled(text, digits) {
  const value = BigInt(text || "0");
  const unit = 10n ** BigInt(digits);
  return Number(value / unit) + Number(value % unit) / Number(unit);
}
const tokens = (wei) => scaled(wei, 18);
const units = (capacity) => scaled(capacity, 9);
function number(value) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && size < 0.001) return value.toExponential(2);
  return value.toLocaleString("en", { maximumFractionDigits: size < 1 ? 4 : size < 100 ? 2 : 0 });
}
const short = (hex) => (hex ? `${hex.slice(0, 6)}…${hex.slice(-4)}` : "–");
const clock = (time) => new Date(time * 1000).toISOString().slice(0, 19).replace("T", " ");

function element(tag, text, attributes = {}) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}
function tiles(list, pairs) {
  list.replaceChildren(...pairs.map(([name, value]) => {
    const tile = element("div");
    tile.append(element("dt", name), element("dd", value));
    return tile;
  }));
}

const current = () => state.types.find((type) => type.id === state.selected);
const nameOf = (id) => state.names.get(id) || short(id);

// --- Health and spending

function drawKeeper(keeper, error) {
  const ready = keeper && keeper.readiness.ready;
  byId("health").dataset.state = ready ? "well" : "ill";
  byId("health-text").textContent = ready
    ? `The keeper is well${keeper.observes ? ", and only observes" : keeper.leads ? "" : ", and another one leads"}`
    : `The keeper is not well: ${error || keeper.readiness.problems.join("; ")}`;
  if (!keeper) return;
  byId("problems").replaceChildren(...keeper.readiness.problems.map((text) => element("li", text, { class: "bad" })));
  tiles(byId("keeper"), [
    ["Block", `${keeper.head}${keeper.cursor !== null && keeper.cursor < keeper.head ? ` (read to ${keeper.cursor})` : ""}`],
    ["Chain's time", clock(keeper.time)],
    ["Its ether", keeper.balance === null ? "–" : number(tokens(keeper.balance))],
    ["Spent in an hour, gwei", `${number(keeper.spentHourGwei)} of ${number(keeper.limitHourGwei)}`],
    ["Spent in a day, gwei", `${number(keeper.spentDayGwei)} of ${number(keeper.limitDayGwei)}`],
    ["Waits to be sent", String(keeper.waiting.attestations + keeper.waiting.receipts + keeper.waiting.assignments)],
  ]);
}

// --- Task types

function drawTypes() {
  byId("no-types").hidden = state.types.length > 0;
  byId("panel").hidden = state.types.length === 0;
  const tabs = state.types.map((type) => {
    const selected = type.id === state.selected;
    const tab = element("button", nameOf(type.id), {
      role: "tab", type: "button", "aria-selected": String(selected), tabindex: selected ? "0" : "-1",
      "aria-controls": "panel", title: type.id, "data-id": type.id,
    });
    tab.addEventListener("click", () => select(type.id));
    return tab;
  });
  const focused = document.activeElement && document.activeElement.dataset.id;
  byId("types").replaceChildren(...tabs);
  if (focused) byId("types").querySelector(`[data-id="${focused}"]`)?.focus();
}
byId("types").addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity }[event.key];
  if (step === undefined || state.types.length === 0) return;
  event.preventDefault();
  const index = state.types.findIndex((type) => type.id === state.selected);
  const last = state.types.length - 1;
  const next = step === -Infinity ? 0 : step === Infinity ? last : (index + step + last + 1) % (last + 1);
  const id = state.types[next].id;
  select(id).then(() => byId("types").querySelector(`[data-id="${id}"]`)?.focus());
});
async function select(id) {
  state.selected = id;
  drawTypes();
  await readType();
}

function drawSummary() {
  const sum = (pick) => state.types.reduce((total, type) => total + pick(type), 0);
  const type = current();
  tiles(byId("summary"), [
    ["Streamed, tokens per month", number(sum((it) => tokens(it.flow)) * MONTH)],
    ["Sources", String(sum((it) => it.sources))],
    ["Sinks", String(sum((it) => it.sinks))],
    ["Capacity that counts", number(sum((it) => units(it.capacity)))],
    ["Waits in escrow, tokens", number(sum((it) => tokens(it.waiting)))],
    ["Price of a work unit, tokens", type && type.baseFee ? number(tokens(type.baseFee)) : "–"],
  ]);
}

// --- Flows to scale

/// What each member gets of what streams in, as the pool's units say.
function shares() {
  const type = current();
  if (!type) return { total: 0, sources: [], members: [] };
  const total = tokens(type.flow) * MONTH;
  const cuts = [["Fee", type.units.fee], ["Review", type.units.budget], ["Escrow", type.units.overflow]];
  const members = state.sinks.filter((sink) => sink.units !== "0").map((sink) => ({ name: short(sink.sink), id: sink.sink, units: Number(sink.units), kind: "out" }));
  for (const [name, count] of cuts) if (count !== "0") members.push({ name, units: Number(count), kind: "cut" });
  const all = members.reduce((sum, member) => sum + member.units, 0);
  for (const member of members) member.amount = all > 0 ? (total * member.units) / all : 0;
  const sources = state.streams.map((stream) => ({ name: short(stream.source), amount: tokens(stream.rate) * MONTH }));
  members.sort((a, b) => b.amount - a.amount);
  sources.sort((a, b) => b.amount - a.amount);
  return { total, sources, members };
}
function folded(list, most, kind) {
  if (list.length <= most) return list;
  const rest = list.slice(most - 1);
  return [...list.slice(0, most - 1), { name: `${rest.length} others`, amount: rest.reduce((sum, it) => sum + it.amount, 0), kind }];
}
function drawFlow() {
  const svg = byId("flow");
  const { total, sources, members } = shares();
  const make = (tag, attributes, text) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const nodes = [];
  const height = 300, top = 10, left = 130, middle = 350, right = 590;
  const scale = total > 0 ? height / total : 0;
  const side = (list, x, toPool) => {
    const gap = list.length > 1 ? 6 : 0;
    const usable = height - gap * (list.length - 1);
    let outer = top, inner = top;
    for (const item of list) {
      const outerSize = total > 0 ? (item.amount / total) * usable : 0, innerSize = item.amount * scale;
      const [x1, x2] = toPool ? [x, middle - 10] : [middle + 10, x];
      const [y1, h1, y2, h2] = toPool ? [outer, outerSize, inner, innerSize] : [inner, innerSize, outer, outerSize];
      const bend = (x1 + x2) / 2;
      const path = `M${x1},${y1} C${bend},${y1} ${bend},${y2} ${x2},${y2} L${x2},${y2 + h2} C${bend},${y2 + h2} ${bend},${y1 + h1} ${x1},${y1 + h1} Z`;
      const ribbon = make("path", { d: path, class: toPool ? "in" : item.kind });
      ribbon.append(make("title", {}, `${item.name}: ${number(item.amount)} tokens per month`));
      nodes.push(ribbon);
      const y = outer + outerSize / 2 + 4;
      nodes.push(make("text", { x: toPool ? x - 6 : x + 6, y, "text-anchor": toPool ? "end" : "start" }, item.name));
      outer += outerSize + gap;
      inner += innerSize;
    }
  };
  if (total > 0) {
    side(folded(sources, 8, "in"), left, true);
    nodes.push(make("rect", { x: middle - 10, y: top, width: 20, height, class: "pool" }));
    side(folded(members, 10, "out"), right, false);
  }
  svg.replaceChildren(...nodes);
  byId("flow-caption").textContent = total > 0
    ? `${number(total)} tokens per month from ${sources.length} ${sources.length === 1 ? "source" : "sources"} to ${members.length} members of the pool.`
    : "Nothing streams.";
}

// --- Tables

function row(cells, attributes = {}) {
  const line = element("tr", undefined, attributes);
  for (const [text, title] of cells) line.append(element("td", text, title ? { title } : {}));
  return line;
}
function drawTables() {
  const paid = new Map(shares().members.filter((it) => it.id).map((it) => [it.id, it.amount]));
  byId("sinks").tBodies[0].replaceChildren(...state.sinks.map((sink) => {
    const free = Math.max(0, units(sink.smoothed) - units(sink.queueLoad));
    return row([
      [short(sink.sink), sink.sink], [number(paid.get(sink.sink) || 0)], [number(units(sink.declared))],
      [sink.registered ? number(units(sink.smoothed)) : "left"], [number(free)],
      [sink.epoch ? `${number(sink.rateBps / 100)} %` : "–"], [number(tokens(sink.stake))],
      [sink.slashed === "0" ? "–" : number(tokens(sink.slashed))],
    ], sink.registered ? {} : { class: "left" });
  }));
  byId("sources").tBodies[0].replaceChildren(...state.streams.map((stream) => row([
    [short(stream.source), stream.source], [number(tokens(stream.rate) * MONTH)], [clock(stream.since)],
  ])));
}

// --- Charts

const charts = {};
function drawChart(id, series, convert) {
  const place = byId(`chart-${id}`);
  const data = [series.times, series.values.map(convert)];
  const last = data[1].length ? number(data[1][data[1].length - 1]) : "none";
  const label = place.closest("figure").querySelector("figcaption").textContent;
  place.setAttribute("aria-label", `${label}: ${data[1].length} values, the last one ${last}`);
  if (typeof uPlot === "undefined") return;
  charts[id]?.destroy();
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line") }, ticks: { stroke: colour("--line") } };
  charts[id] = new uPlot({
    width: Math.max(200, place.clientWidth), height: 200, legend: { show: false }, cursor: { y: false },
    tzDate: (time) => uPlot.tzDate(new Date(time * 1000), "UTC"),
    axes: [axis, { ...axis, size: 64, values: (_, ticks) => ticks.map(number) }],
    series: [{}, { stroke: colour("--accent"), width: 2, paths: uPlot.paths.stepped({ align: 1 }) }],
  }, data, place);
}
function drawCharts() {
  byId("no-charts").hidden = typeof uPlot !== "undefined";
  if (state.series.price) drawChart("price", state.series.price, tokens);
  if (state.series.flow) drawChart("flow", state.series.flow, (wei) => tokens(wei) * MONTH);
  if (state.series.pressure) drawChart("pressure", state.series.pressure, (wad) => tokens(wad) * 100);
}

// --- What happens

const SENTENCES = {
  SinkRegistered: (it) => `${short(it.account)} serves ${nameOf(it.taskType)} with ${number(units(it.amount))}`,
  SinkDeregistered: (it) => `${short(it.account)} has left ${nameOf(it.taskType)}`,
  CapacityRevealed: (it) => `${short(it.account)} counts ${number(units(it.amount))} in ${nameOf(it.taskType)}`,
  CapacityClipped: (it) => `${short(it.account)} was clipped to ${number(units(it.amount))} in ${nameOf(it.taskType)}`,
  AttestationApplied: (it) => `${short(it.account)} attested ${number(units(it.amount))} in ${nameOf(it.taskType)}`,
  BaseFeeUpdated: (it) => `A work unit of ${nameOf(it.taskType)} costs ${number(tokens(it.amount))}`,
  FlowDistributionUpdated: (it) => `${short(it.account)} streams ${number(tokens(it.amount) * MONTH)} a month to ${nameOf(it.taskType)}`,
  AutoSlashed: (it) => `${short(it.account)} lost ${number(tokens(it.amount))} of its stake in ${nameOf(it.taskType)}`,
  EpochAdvanced: (it) => `${short(it.account)} did ${number(Number(it.amount) / 100)} % of what was due in epoch ${it.detail?.epoch}`,
  CompletionRecorded: (it) => `${short(it.account)} completed a task of ${short(it.other)}`,
  Deposited: (it) => `${number(tokens(it.amount))} wait in the escrow of ${nameOf(it.taskType)}`,
  Drained: (it) => `${short(it.account)} was paid ${number(tokens(it.amount))} out of the escrow`,
  Rebalanced: (it) => `The units of ${nameOf(it.taskType)} follow its capacities`,
  TaskTypeRegistered: (it) => `Task type ${nameOf(it.taskType)} was registered`,
};
function line(event) {
  const item = element("li");
  const sentence = SENTENCES[event.name];
  const what = sentence ? sentence(event) : `${event.name} ${event.account ? short(event.account) : ""}`;
  item.append(element("time", clock(event.time), { datetime: new Date(event.time * 1000).toISOString() }), what);
  return item;
}
function drawEvents(list, events, none) {
  list.replaceChildren(...(events.length ? events.map(line) : [element("li", none)]));
}

// --- Reading

async function readKeeper() {
  try {
    state.keeper = await get("/v1/keeper");
    drawKeeper(state.keeper);
  } catch (error) {
    drawKeeper(state.keeper && { ...state.keeper, readiness: { ready: false, problems: [error.message] } }, error.message);
  }
}
async function readType() {
  const id = state.selected;
  if (!id) return;
  const of = (what) => get(`/v1/series?taskType=${id}&of=${what}&limit=500`);
  const [sinks, streams, price, flow, pressure] = await Promise.all([
    all(`/v1/task-types/${id}/sinks`), all(`/v1/task-types/${id}/streams`), of("price"), of("flow"), of("pressure"),
  ]);
  if (id !== state.selected) return;
  Object.assign(state, { sinks, streams, series: { price, flow, pressure } });
  drawSummary();
  drawFlow();
  drawTables();
  drawCharts();
}
async function readAll() {
  state.types = await all("/v1/task-types");
  if (!state.types.some((type) => type.id === state.selected)) {
    state.selected = [...state.types].sort((a, b) => tokens(b.flow) - tokens(a.flow))[0]?.id || null;
  }
  drawTypes();
  drawSummary();
  const [events, slashes] = await Promise.all([
    get("/v1/history?limit=25"), get("/v1/history?limit=10&name=AutoSlashed"), readType(),
  ]);
  drawEvents(byId("events"), events.items, "Nothing yet.");
  drawEvents(byId("slashes"), slashes.items, "Nobody was slashed.");
}

// Many events come at once: one read for all of them.
let due = null;
function soon() {
  due ??= setTimeout(() => {
    due = null;
    readAll().catch((error) => drawKeeper(null, error.message));
  }, 150);
}
function listen() {
  const source = new EventSource("/v1/live");
  source.addEventListener("event", (message) => {
    const event = JSON.parse(message.data);
    const item = line(event);
    item.className = "new";
    byId("events").prepend(item);
    while (byId("events").children.length > 25) byId("events").lastChild.remove();
    document.documentElement.dataset.block = event.block;
    soon();
  });
  source.addEventListener("rewound", soon);
  source.addEventListener("missed", soon);
  source.addEventListener("open", () => { document.documentElement.dataset.live = "true"; soon(); });
  source.addEventListener("error", () => { document.documentElement.dataset.live = "false"; });
}
let resized = null;
addEventListener("resize", () => { clearTimeout(resized); resized = setTimeout(drawCharts, 200); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawCharts);

readKeeper();
soon();
listen();
setInterval(readKeeper, 5000);
