// Small behaviours over pages that work without them: the chart's cross-hair, keyboard
// shortcuts, the theme, a busy state. Texts and coordinates come finished from the server.

const SVG = "http://www.w3.org/2000/svg";
const GAP = 14;

/** A server-drawn chart: pointer and arrow keys show one reading at a time. */
class UsageChart extends HTMLElement {
  connectedCallback() {
    this.readings = JSON.parse(this.querySelector("script").textContent);
    if (!this.readings.length) return;
    this.tabIndex = 0;
    this.setAttribute("role", "group");
    this.setAttribute("aria-label", `${this.dataset.label}: arrow keys move, Escape leaves`);
    this.spoken = this.make("p", "hidden-text");
    this.spoken.setAttribute("role", "status");
    this.onpointermove = (event) => this.show(this.nearest(event.clientX));
    this.onpointerleave = this.onblur = () => this.clear();
    this.onkeydown = (event) => this.step(event);
  }

  make(tag, name, parent = this) {
    const made = document.createElement(tag);
    made.className = name;
    return parent.appendChild(made);
  }

  get drawing() {
    return [...this.querySelectorAll("svg.chart")].find((svg) => svg.getClientRects().length);
  }

  /** Where a reading stands in the drawing shown now, in its own units. */
  at(index) {
    const name = this.drawing.classList.contains("narrow") ? "narrow" : "wide";
    return this.readings[index].at[name].map(Number);
  }

  nearest(clientX) {
    const box = this.drawing.getBoundingClientRect();
    const x = ((clientX - box.left) / box.width) * this.drawing.viewBox.baseVal.width;
    let best = 0;
    for (let i = 1; i < this.readings.length; i += 1) {
      if (Math.abs(this.at(i)[0] - x) < Math.abs(this.at(best)[0] - x)) best = i;
    }
    return best;
  }

  step(event) {
    const last = this.readings.length - 1;
    const from = this.index ?? last + 1;
    const to = {
      ArrowLeft: Math.max(0, from - 1),
      ArrowRight: Math.min(last, (this.index ?? -1) + 1),
      Home: 0,
      End: last,
    }[event.key];
    if (event.key === "Escape") this.clear();
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.show(to);
    const { title, rows } = this.readings[to];
    this.spoken.textContent = [title, ...rows.map((row) => row.join(" "))].join(", ");
  }

  show(index) {
    if (index === this.index) return;
    this.clear();
    this.index = index;
    const [x, y] = this.at(index);
    const { top, floor } = this.drawing.dataset;
    this.mark = document.createElementNS(SVG, "g");
    const rule = this.mark.appendChild(document.createElementNS(SVG, "path"));
    rule.setAttribute("class", "cross");
    rule.setAttribute("d", `M${x},${top}V${floor}`);
    const dot = this.mark.appendChild(document.createElementNS(SVG, "circle"));
    for (const [key, value] of Object.entries({ class: "dot", r: 4.5, cx: x, cy: y })) {
      dot.setAttribute(key, value);
    }
    this.drawing.append(this.mark);
    this.label(x, y);
  }

  label(x, y) {
    const { title, rows } = this.readings[this.index];
    this.tip = this.make("div", "tip");
    this.tip.setAttribute("aria-hidden", "true");
    this.make("b", "", this.tip).textContent = title;
    for (const row of rows) {
      const line = this.make("div", "", this.tip);
      for (const text of row) this.make("span", "", line).textContent = text;
    }
    this.place(x, y);
  }

  /** Beside the point and off the line: totals rise, so up left and down right are free. */
  place(x, y) {
    const box = this.drawing.getBoundingClientRect();
    const scale = box.width / this.drawing.viewBox.baseVal.width;
    const { offsetWidth: wide, offsetHeight: high } = this.tip;
    const [px, py] = [x * scale, y * scale];
    const floor = this.drawing.dataset.floor * scale;
    const left = px - wide - GAP;
    let at = [left, py - high - GAP];
    if (left < 0 || at[1] < 0) at = [px + GAP, py + GAP];
    if (at[0] + wide > box.width || at[1] + high > floor) {
      at = [left < 0 ? px + GAP : left, py > floor / 2 ? 0 : Math.max(0, floor - high)];
    }
    at[0] = Math.max(0, Math.min(at[0], box.width - wide));
    [this.tip.style.left, this.tip.style.top] = at.map((value) => `${value}px`);
  }

  clear() {
    this.tip?.remove();
    this.mark?.remove();
    this.index = this.tip = this.mark = undefined;
  }
}
customElements.define("usage-chart", UsageChart);

// Keyboard: `/` finds, `?` helps, `g` and a letter goes. Never while typing or with a modifier.
const help = document.getElementById("help");
let going = 0;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea, [contenteditable], dialog")) return;
  const go = event.timeStamp < going && document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
  going = event.key === "g" ? event.timeStamp + 1500 : 0;
  if (go) go.click();
  else if (event.key === "?") help?.showModal();
  else if (event.key === "/") document.querySelector("[data-find]")?.focus();
  else if (event.key === ".") document.querySelector("[data-period] [aria-current]")?.focus();
  else return;
  event.preventDefault();
});

// The theme is a cookie, so that the server can draw the next page in it without a flash.
document.addEventListener("submit", (event) => {
  const chosen = event.submitter?.closest("[data-theme-form]") && event.submitter;
  if (!chosen) return;
  event.preventDefault();
  document.cookie = `theme=${chosen.value}; Path=/; Max-Age=31536000; SameSite=Lax`;
  document.documentElement.dataset.theme = chosen.value;
  for (const button of document.querySelectorAll("[data-theme-form] button")) {
    button.setAttribute("aria-pressed", String(button.value === chosen.value));
  }
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-auto] select")) event.target.form.requestSubmit();
});

// Busy after 150 ms: quick answers never flicker.
let waiting;
const busy = (on) => {
  clearTimeout(waiting);
  if (on) waiting = setTimeout(() => document.body.setAttribute("aria-busy", "true"), 150);
  else document.body.removeAttribute("aria-busy");
};
document.addEventListener("htmx:before:request", () => busy(true));
document.addEventListener("htmx:finally:request", () => busy(false));
window.addEventListener("beforeunload", () => busy(true));
window.addEventListener("pageshow", () => busy(false));
