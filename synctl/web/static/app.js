// Keeps a page of synctl up to date. The server renders everything; this asks for it again when something happened,
// and moves the bars between. It says when what is shown may be old.
"use strict";

(() => {
  const AGAIN_MS = [500, 1000, 2000, 5000];
  const SETTLE_MS = 150; // several events of one change arrive together
  const AT_WORK_MS = 2000; // how often the units of a run at work are asked for
  const SHARE = 10; // of the time, at most a tenth is spent on asking: the server may be slow
  const connection = document.getElementById("connection");
  const said = document.getElementById("said");
  if (connection === null || document.body.dataset.after === undefined) return;

  let last = Number(document.body.dataset.after);
  let failures = 0;
  let lostAt = null;
  let pending = null;
  let working = null;
  let took = 0;
  let refreshing = null;
  let wanted = false;
  let over = false;

  const number = (value) => Math.round(value).toLocaleString("en");
  const duration = (seconds) => {
    const whole = Math.round(seconds);
    if (whole < 60) return `${whole} s`;
    if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
    if (whole < 86400) return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")} min`;
    return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
  };

  function put(place, name, text) {
    const field = place.querySelector(`[data-field="${name}"]`);
    if (field !== null && field.textContent !== text) field.textContent = text;
  }

  function move(run) {
    for (const place of document.querySelectorAll(`[data-run="${CSS.escape(run.run)}"]`)) {
      const bar = place.querySelector('[data-field="bar"]');
      if (bar !== null) bar.value = run.done + run.failed;
      put(place, "done", number(run.done));
      put(place, "rows", number(run.rows));
      put(place, "failed", run.failed ? `, ${number(run.failed)} failed` : "");
      put(place, "reason", run.reason);
      const running = run.state === "running" && run.units_per_s > 0;
      const left = running && run.eta_s !== null ? ` · ${duration(run.eta_s)} left` : "";
      put(place, "rate", running ? ` · ${number(run.units_per_s)}/s${left}` : "");
    }
  }

  function swap(from) {
    const focused = document.activeElement === null ? "" : document.activeElement.id;
    for (const place of document.querySelectorAll("[data-live]")) {
      const fresh = from.getElementById(place.id);
      if (fresh === null || fresh.innerHTML === place.innerHTML) continue;
      const open = [...place.querySelectorAll("details[open]")].map((one) => one.id);
      place.replaceChildren(...fresh.childNodes);
      for (const id of open) {
        const again = document.getElementById(id);
        if (again !== null) again.open = true;
      }
    }
    if (focused && document.activeElement === document.body) {
      const again = document.getElementById(focused) ?? document.getElementById("main");
      again.focus({ preventScroll: true });
    }
  }

  async function refresh() {
    if (refreshing !== null) {
      wanted = true; // what it brings may be older than what just happened
      return;
    }
    const began = performance.now();
    refreshing = (async () => {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.redirected && new URL(answer.url).pathname === "/login") {
        ended();
        return;
      }
      if (answer.ok) swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
    })();
    try {
      await refreshing;
    } catch {
      // The connection is lost, which the socket tells.
    } finally {
      refreshing = null;
      took = performance.now() - began;
      if (wanted) {
        wanted = false;
        soon();
      }
    }
  }

  function soon() {
    pending ??= setTimeout(() => {
      pending = null;
      refresh();
    }, SETTLE_MS);
  }

  function atWork() {
    working ??= setTimeout(() => {
      working = null;
      if (!document.hidden) refresh();
    }, Math.max(AT_WORK_MS, SHARE * took));
  }

  function take(event) {
    if (event.id !== null) {
      last = event.id;
      const shown = document.querySelector(`[data-run="${CSS.escape(event.run)}"]`) !== null;
      if (shown) said.textContent = `${event.run} is ${event.state}, by ${event.who}${event.reason ? `: ${event.reason}` : ""}`;
      soon();
    } else {
      move(event.progress);
      if (document.getElementById("run")?.dataset.run === event.run) atWork();
    }
  }

  function ended() {
    over = true;
    document.body.dataset.connection = "lost";
    const link = document.createElement("a");
    link.href = "/login";
    link.textContent = "Log in again";
    connection.replaceChildren("The session has ended: what is shown grows old. ", link);
  }

  function live() {
    failures = 0;
    lostAt = null;
    document.body.dataset.connection = "live";
    connection.textContent = "Live: changes show by themselves.";
    soon();
  }

  function lost() {
    if (over) return;
    lostAt ??= new Date();
    document.body.dataset.connection = "lost";
    connection.textContent = `No connection since ${lostAt.toLocaleTimeString()}: what is shown may be old. Trying again …`;
    const wait = AGAIN_MS[Math.min(failures, AGAIN_MS.length - 1)];
    failures += 1;
    if (failures > 2) refresh(); // a session that has ended looks like a lost connection
    setTimeout(follow, wait * (0.5 + Math.random()));
  }

  function follow() {
    if (over) return;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/ws?after=${last}`);
    socket.onopen = live;
    socket.onmessage = (message) => take(JSON.parse(message.data));
    socket.onclose = lost;
  }

  for (const place of document.querySelectorAll("[data-every]")) {
    setInterval(soon, Number(place.dataset.every) * 1000);
  }
  document.addEventListener("visibilitychange", () => document.hidden || soon());
  follow();
})();
