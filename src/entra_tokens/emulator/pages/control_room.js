const EVERY = 1000, NEWS_EVERY = 8000;
const $ = (id) => document.getElementById(id);
let paused = false, timer = 0, told = null, toldAt = 0;

async function call(name, content) {
  const options = { headers: { "X-Emulator-Page": KEY }, cache: "no-store" };
  if (content !== undefined) {
    options.method = "POST";
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(content);
  }
  let answer;
  try {
    answer = await fetch(`/room/${name}`, options);
  } catch {
    throw new Error("The emulator does not answer. It may have ended.");
  }
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error);
  return body;
}

function trouble(text) {
  if ($("problem").textContent !== text) $("problem").textContent = text;
  $("problem").hidden = !text;
}

async function act(name, content, said) {
  try {
    await call(name, content);
    trouble("");
    $("said").textContent = said;
    show(await call("state"));
    return true;
  } catch (error) {
    trouble(error.message);
    return false;
  }
}

function span(seconds) {
  const whole = Math.max(Math.ceil(seconds), 0), hours = Math.floor(whole / 3600), minutes = Math.floor((whole % 3600) / 60);
  if (hours) return `${hours} h ${minutes} min`;
  return minutes ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}

function counted(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

// Rows stay the elements that they are while what they show is there, so that focus and scrolling stay, too.
function list(id, items, update, more) {
  const parent = $(id), keys = new Set(items.map((item) => String(item.key)));
  const kept = new Map();
  for (const row of [...parent.children]) {
    if (keys.has(row.dataset.key)) kept.set(row.dataset.key, row);
    else row.remove();
  }
  items.forEach((item, place) => {
    let row = kept.get(String(item.key));
    if (!row) {
      row = $("row").content.firstElementChild.cloneNode(true);
      row.dataset.key = item.key;
      if (more) more(row, item);
    }
    update(row, item);
    if (parent.children[place] !== row) parent.insertBefore(row, parent.children[place] ?? null);
  });
  parent.hidden = !items.length;
  $(`no-${id}`).hidden = items.length > 0;
}

function fill(row, when, what, detail) {
  text(row.querySelector(".when"), when);
  text(row.querySelector("strong"), what);
  text(row.querySelector("small"), detail);
}

function showRequest(row, item) {
  const time = new Date(item.time * 1000).toLocaleTimeString("en-GB");
  fill(row, time, item.what, `${item.method} ${item.path}`);
  const chip = row.querySelector(".status"), status = item.status;
  text(chip, status === null ? "none" : String(status));
  chip.className = `status ${status === null || status >= 500 ? "bad" : status >= 400 ? "warn" : "good"}`;
}

function withChip(row) {
  const chip = document.createElement("span");
  chip.className = "status";
  row.append(chip);
}

function showToken(row, item) {
  fill(row, span(item.left), item.person ? `${item.person}, with ${item.client}` : item.client, `for ${item.audience}`);
  row.querySelector(".bar > span").style.transform = `scaleX(${Math.min(Math.max(item.share, 0), 1)})`;
}

function withBar(row) {
  const bar = document.createElement("div");
  bar.className = "bar";
  bar.append(document.createElement("span"));
  row.querySelector(".what").append(bar);
}

function showFault(row, item) {
  const met = item.times === null ? `met ${counted(item.met, "time")}` : `met ${item.met} of ${counted(item.times, "time")}`;
  const only = item.only ? `only ${item.only}; ${met}` : met;
  fill(row, item.left === null ? "" : span(item.left), `${item.who}: ${item.what.replaceAll("_", " ")}`, only);
}

function withHeal(row, item) {
  const heal = document.createElement("button");
  heal.type = "button";
  heal.className = "small";
  heal.textContent = "Heal";
  heal.setAttribute("aria-label", `Heal ${item.who}: ${item.what.replaceAll("_", " ")}`);
  heal.addEventListener("click", async () => {
    if (await act("heal", { key: item.key }, `Healed: ${item.who}.`)) $("faults-title").focus();
  });
  row.append(heal);
}

function showCode(row, item) {
  fill(row, span(item.left), item.client, item.scopes);
}

function withLink(row, item) {
  const link = document.createElement("a");
  link.href = `/device?code=${encodeURIComponent(item.key)}`;
  link.target = "_blank";
  link.rel = "noopener";
  link.className = "mono";
  link.textContent = item.key;
  link.setAttribute("aria-label", `Answer the code ${item.key} (new tab)`);
  row.append(link);
}

function show(state) {
  list("requests", state.requests.newest, showRequest, withChip);
  list("tokens", state.tokens.newest, showToken, withBar);
  list("faults", state.faults, showFault, withHeal);
  list("codes", state.codes, showCode, withLink);
  text($("requests-count"), `${counted(state.requests.count, "request")}, ${state.requests.tokens.toLocaleString("en")} for tokens`);
  text($("tokens-count"), `${state.tokens.alive.toLocaleString("en")} of ${state.tokens.count.toLocaleString("en")} given out`);
  $("heal-all").hidden = !state.faults.length;
  text($("verified"), state.front.verified.toLocaleString("en"));
  text($("refused"), state.front.refused.toLocaleString("en"));
  text($("clients"), state.front.clients.toLocaleString("en"));
  text($("distinct"), state.front.distinct_tokens.toLocaleString("en"));
  text($("reasons"), state.front.reasons.length ? `Refused because: ${state.front.reasons.join("; ")}` : "");
  tell(state);
}

// A screen reader hears what has changed, some seconds' worth at a time, and not every row.
function tell(state) {
  const now = { requests: state.requests.count, alive: state.tokens.alive, codes: state.codes.length, faults: state.faults.length };
  if (told === null) { told = now; return; }
  if (Date.now() - toldAt < NEWS_EVERY) return;
  const news = [];
  if (now.requests > told.requests) news.push(`${counted(now.requests - told.requests, "new request")}`);
  if (now.alive !== told.alive) news.push(`${counted(now.alive, "token")} alive`);
  if (now.codes > told.codes) news.push("a device code waits");
  if (now.faults !== told.faults) news.push(now.faults ? `${counted(now.faults, "fault")} in force` : "nothing fails");
  if (!news.length) return;
  $("news").textContent = `${news.join(", ")}.`;
  told = now;
  toldAt = Date.now();
}

async function poll() {
  clearTimeout(timer);
  if (!paused && !document.hidden) {
    try {
      const state = await call("state");
      if (!paused) show(state);
      if ($("problem").dataset.from === "poll") trouble("");
      delete $("problem").dataset.from;
    } catch (error) {
      trouble(error.message);
      $("problem").dataset.from = "poll";
    }
  }
  clearTimeout(timer);
  timer = setTimeout(poll, EVERY);
}

const form = $("fail");
function lasting() {
  const counts = form.elements.lasts.value !== "healed";
  form.elements.amount.hidden = form.elements.amount.disabled = !counts;
}
form.elements.lasts.addEventListener("change", lasting);
const ONLY = ["share", "tenant", "client_id", "scope"];
// A closed box says what is in it: nothing that is set stays out of sight.
function which() {
  const set = ONLY.filter((name) => form.elements[name].value.trim() && form.elements[name].value !== form.elements[name].defaultValue);
  const words = { share: () => `${form.elements.share.value}%`, client_id: () => "one client" };
  text($("only-which"), set.length ? `: ${set.map((name) => (words[name] ?? (() => `one ${name}`))()).join(", ")}` : "");
}
for (const name of ONLY) form.elements[name].addEventListener("input", which);
// A field that cannot be sent as it is must be seen.
form.addEventListener("invalid", () => { $("only").open = true; }, true);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const content = { target: form.elements.target.value, what: form.elements.what.value, lasts: form.elements.lasts.value, amount: Number(form.elements.amount.value) };
  for (const name of ONLY) content[name] = form.elements[name].value.trim();
  act("fail", content, `Set: ${form.elements.target.selectedOptions[0].text}, ${form.elements.what.selectedOptions[0].text}.`);
});
$("heal-all").addEventListener("click", async () => {
  if (await act("heal", {}, "Everything is healed.")) $("faults-title").focus();
});
for (const button of document.querySelectorAll("[data-advance]")) {
  const seconds = Number(button.dataset.advance);
  button.addEventListener("click", () => act("advance", { seconds }, `The emulator's clock is ${span(seconds)} further.`));
}
$("expire").addEventListener("click", () => act("expire", {}, "Every token has expired: the clock is past the last one's end."));
$("pause").addEventListener("click", () => {
  paused = !paused;
  $("pause").setAttribute("aria-pressed", String(paused));
  $("said").textContent = paused ? "The lists stand still." : "The lists go on.";
  if (!paused) poll();
});
document.addEventListener("visibilitychange", poll);
lasting();
which();
poll();
