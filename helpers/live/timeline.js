// The timeline of a run, drawn in the browser: see timeline.py for what the kernel sends.
//
// A Store holds what the kernel has said of one recording. A View is one picture of all Stores of a widget, with a
// time cursor of its own. Times are nanoseconds since a recording's first submit, on the kernel's clock.

// As in drawing/figure.py.
export const COLORS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442"];
const VERMILION = "#D55E00", DEEP = "#9DB4C0", GRAY = "#8A8A8A", DARK = "#222222";
const INCH = 84; // pixels; the sizes of lanes are those of the still picture, in inches
const LEFT = 108, RIGHT = 14, AXIS = 40, HEAD = 44, GAP = 0.07 * INCH;
const MOST_STRIPES = 14, MOST_TICKS = 200;
const OUTCOMES = ["", "returned", "raised", "cancelled"];
const UNSEEN = 4;
// Whether kernel and browser share their cores.
const HERE = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
const STALE = 1500; // ms without news after which the clock of a growing picture stands still

export const colorOf = (index) => COLORS[index % COLORS.length];

// Black or white, whichever reads better (WCAG's relative luminance).
export function inkOn(background) {
    const [red, green, blue] = [1, 3, 5].map((i) => {
        const part = parseInt(background.slice(i, i + 2), 16) / 255;
        return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.3 ? "white" : DARK;
}

// The first position in `order` (indices into `values`, ascending) whose value is above `limit`.
function above(order, values, limit, count = order.length) {
    let low = 0, high = count;
    while (low < high) {
        const middle = (low + high) >> 1;
        if (values[order[middle]] > limit) high = middle; else low = middle + 1;
    }
    return low;
}

const NOTHING = new Uint8Array(0); // in place of a buffer that was left out

// Columns of numbers, as messages.py packs them: one after the other, the widest types first.
function columns(data, count, types) {
    const bytes = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
    let at = 0;
    return types.map((Type) => {
        const column = new Type(bytes, at, count);
        at += column.byteLength;
        return column;
    });
}

function grown(column, size) {
    const bigger = new column.constructor(size);
    bigger.set(column);
    return bigger;
}

// ---------------------------------------------------------------- what the kernel has said

export class Store {
    constructor() { this.clear(null); }

    clear(epoch) {
        Object.assign(this, {
            kind: "run", epoch, seq: 0, title: "", seconds: 0, count: 0, threads: [], labels: [], lanes: [],
            callNames: [], waits: [], calls: [], marks: [], ended: true, now: 0, heard: -Infinity, shift: Infinity,
            last: 0, steps: null, stripes: null, totals: null,
        });
        const room = 256;
        this.submitted = new Float64Array(room);
        this.started = new Float64Array(room);
        this.finished = new Float64Array(room);
        this.cpu = new Float32Array(room);
        this.label = new Int32Array(room);
        this.worker = new Int16Array(room);
        this.submitter = new Int16Array(room);
        this.outcome = new Uint8Array(room);
        this.unseen = new Set(); // tasks that ran where watch can't see
        this.errors = {}; // what the tasks that raised did raise, in words
        this.ran = new Map(); // thread -> its tasks, in the order of their starts
        this.sent = new Map(); // thread -> the tasks that it submitted, in that order
        this.blocked = new Map(); // thread -> its waits, in the order of their starts
    }

    // Take in one message; false if one before it is missing.
    apply(head) {
        if (head.epoch !== this.epoch) {
            if (head.seq !== 1) return false;
            this.clear(head.epoch);
        } else if (head.seq <= this.seq) return true;
        else if (head.seq !== this.seq + 1) return false;
        this.seq = head.seq;
        for (const key of ["kind", "title", "lanes", "seconds"]) if (key in head) this[key] = head[key];
        if (head.kind === "gil") this.takeGil(head);
        else {
            if (head.calls_in) this.callNames = head.calls_in;
            this.labels.push(...(head.labels || []));
            this.takeRows(head);
            this.takeEvents(head);
        }
        this.ended = head.ended;
        this.now = head.now;
        this.heard = performance.now();
        // The least delay seen so far: a message that came late does not set the clock back.
        this.shift = Math.min(this.shift, this.heard - this.now / 1e6);
        return true;
    }

    takeRows(head) {
        const n = head.rows_n || 0;
        if (!n) return;
        const [submitted, started, finished, cpu, index, label, worker, submitter, outcome] = columns(head.rows, n, [
            Float64Array, Float64Array, Float64Array, Float32Array, Int32Array, Int32Array, Int16Array, Int16Array,
            Uint8Array]);
        const most = index.reduce((a, b) => Math.max(a, b), 0) + 1;
        if (most > this.submitted.length)
            for (const name of ["submitted", "started", "finished", "cpu", "label", "worker", "submitter", "outcome"])
                this[name] = grown(this[name], Math.max(2 * this.submitted.length, most));
        for (let k = 0; k < n; k++) {
            const i = index[k], fresh = i >= this.count || Number.isNaN(this.submitted[i]);
            const ranBefore = !fresh && !Number.isNaN(this.started[i]);
            for (let j = this.count; j < i; j++) this.submitted[j] = this.started[j] = this.finished[j] = NaN;
            if (i >= this.count) this.count = i + 1;
            this.submitted[i] = submitted[k];
            this.started[i] = started[k];
            this.finished[i] = finished[k];
            this.cpu[i] = cpu[k];
            this.label[i] = label[k];
            this.worker[i] = worker[k];
            this.submitter[i] = submitter[k];
            this.outcome[i] = outcome[k] % UNSEEN;
            if (outcome[k] >= UNSEEN) this.unseen.add(i); else this.unseen.delete(i);
            if (fresh) insert(this.sent, submitter[k], i, this.submitted);
            if (!ranBefore && !Number.isNaN(started[k])) insert(this.ran, worker[k], i, this.started);
            for (const moment of [submitted[k], started[k], finished[k]]) if (moment > this.last) this.last = moment;
        }
        Object.assign(this.errors, head.errors);
        this.steps = this.stripes = this.totals = null;
    }

    takeEvents(head) {
        const waits = head.waits_n || 0, calls = head.calls_n || 0;
        if (waits) {
            const [start, end, position, task, thread, call] = columns(head.waits, waits, [
                Float64Array, Float64Array, Int32Array, Int32Array, Int16Array, Int16Array]);
            for (let k = 0; k < waits; k++) {
                const wait = this.waits[position[k]] || {};
                const known = "start" in wait;
                Object.assign(wait, {
                    start: start[k], end: end[k], task: task[k], thread: thread[k], call: this.callNames[call[k]]});
                this.waits[position[k]] = wait;
                if (!known) {
                    if (!this.blocked.has(wait.thread)) this.blocked.set(wait.thread, []);
                    this.blocked.get(wait.thread).push(wait);
                }
                this.last = Math.max(this.last, wait.start, wait.end || 0);
            }
        }
        if (calls) {
            const [start, end, task, thread, outcome] = columns(head.calls, calls, [
                Float64Array, Float64Array, Int32Array, Int16Array, Uint8Array]);
            for (let k = 0; k < calls; k++) {
                const call = {
                    start: start[k], end: end[k], task: task[k], thread: thread[k], outcome: OUTCOMES[outcome[k]]};
                this.calls.push(call);
                this.last = Math.max(this.last, call.end);
            }
        }
        for (const [thread, time, text] of head.marks || []) {
            this.marks.push({thread, time, text});
            this.last = Math.max(this.last, time);
        }
    }

    takeGil(head) {
        const spans = (data, n) => {
            const [start, end, thread] = columns(data, n, [Float64Array, Float64Array, Int16Array]);
            return Array.from(start, (_, i) => ({start: start[i], end: end[i], thread: thread[i]}));
        };
        this.threads = head.threads;
        this.gil = head.gil;
        this.holds = spans(head.rows, head.rows_n);
        this.waits = spans(head.waits, head.waits_n);
        this.aside = spans(head.calls, head.calls_n);
        this.nobody = head.nobody;
        this.summary = head.summary;
        this.last = head.now;
        this.of = this.threads.map((_, thread) => Object.fromEntries(["holds", "waits", "aside"].map(
            (kind) => [kind, this[kind].filter((span) => span.thread === thread)])));
    }

    // The moment up to which open bars are drawn: the kernel's now, carried on by the browser's clock.
    present() {
        if (this.ended) return this.last;
        const clock = Math.min(performance.now(), this.heard + STALE);
        return Math.max(this.last, (clock - this.shift) * 1e6);
    }

    // No news for so long that the kernel is busy, or gone.
    silent() { return !this.ended && performance.now() > this.heard + STALE; }

    // A run that was stopped is shorter than was expected.
    length() { return Math.max(this.present(), this.ended ? 0 : this.seconds * 1e9) || 1e6; }

    state(i) { return OUTCOMES[this.outcome[i]] || (Number.isNaN(this.started[i]) ? "queued" : "running"); }

    // When task i left the queue; Infinity while it waits there.
    left(i) {
        if (this.unseen.has(i)) return this.submitted[i];
        if (!Number.isNaN(this.started[i])) return this.started[i];
        return Number.isNaN(this.finished[i]) ? Infinity : this.finished[i];
    }

    // How many wait in the queue: moments in order, and the number from each of them on. An end counts before a start.
    depths() {
        if (this.steps) return this.steps;
        const starts = new Float64Array(this.count), ends = new Float64Array(this.count);
        let n = 0, longest = 0;
        const end = this.present();
        for (let i = 0; i < this.count; i++) {
            const left = this.left(i);
            if (!(left > this.submitted[i])) continue;
            starts[n] = this.submitted[i];
            ends[n++] = left;
            longest = Math.max(longest, Math.min(left, end) - this.submitted[i]);
        }
        const a = starts.subarray(0, n).sort(), b = ends.subarray(0, n).sort();
        const times = new Float64Array(2 * n), depth = new Int32Array(2 * n);
        let most = 0;
        for (let i = 0, j = 0, k = 0; k < 2 * n; k++) {
            if (i < n && a[i] < b[j]) times[k] = a[i++]; else times[k] = b[j++];
            depth[k] = i - j;
            most = Math.max(most, depth[k]);
        }
        this.steps = {times, depth, most, longest};
        return this.steps;
    }

    // Which row of the queue lane each task waits in: the first that is free.
    queueRows() {
        if (this.stripes) return this.stripes;
        const free = [], rows = new Int16Array(this.count);
        for (let i = 0; i < this.count; i++) {
            let row = free.findIndex((until) => until <= this.submitted[i]);
            if (row < 0) row = free.length;
            free[row] = Math.max(this.left(i), this.submitted[i]);
            rows[i] = row;
        }
        this.stripes = {rows, most: free.length};
        return this.stripes;
    }

    // What the line above the picture says.
    summaryLine() {
        if (this.kind === "gil") return this.summary;
        if (!this.count) return "no task was submitted";
        if (!this.totals) {
            const counts = {raised: 0, cancelled: 0, running: 0, queued: 0, returned: 0};
            let ran = 0, runningSince = 0, last = 0;
            for (let i = 0; i < this.count; i++) {
                const state = this.state(i);
                counts[state] += 1;
                if (state === "running") runningSince += this.started[i];
                else if (this.finished[i] > this.started[i]) ran += this.finished[i] - this.started[i];
                for (const moment of [this.submitted[i], this.started[i], this.finished[i]])
                    if (moment > last) last = moment;
            }
            this.totals = {counts, ran, runningSince, last};
        }
        const {counts, ran, runningSince, last} = this.totals, present = this.present();
        const wall = counts.running ? present : last;
        const busy = ran + counts.running * present - runningSince;
        const parts = [wall >= 1e8 ? `${(wall / 1e9).toFixed(2)} s` : `${+(wall / 1e6).toPrecision(3)} ms`,
            `${plural(this.ran.size, "worker")} used`,
            `${(wall ? busy / wall : 0).toFixed(1)} tasks at once on average`];
        for (const kind of ["raised", "cancelled", "running", "queued"])
            if (counts[kind]) parts.push(`${counts[kind]} ${kind}`);
        if (this.unseen.size) parts.push(`${this.unseen.size} ran unseen`);
        return parts.join("  ·  ");
    }

    // The task that a thread runs at moment t, or -1.
    runningAt(thread, t) {
        const order = this.ran.get(thread);
        if (!order) return -1;
        const i = order[above(order, this.started, t) - 1];
        return i !== undefined && (Number.isNaN(this.finished[i]) || t < this.finished[i]) ? i : -1;
    }

    // The wait in which a thread is at moment t: of several, the one that began last.
    waitAt(thread, t) {
        return (this.blocked.get(thread) || []).findLast((w) => w.start <= t && (Number.isNaN(w.end) || t < w.end));
    }

    callAt(thread, t) { return this.calls.findLast((c) => c.thread === thread && c.start <= t && t < c.end); }

    queuedAt(t) {
        const found = [];
        for (let i = 0; i < this.count; i++) if (this.submitted[i] <= t && t < this.left(i)) found.push(i);
        return found;
    }
}

// Put task i where it belongs in the list of its thread; nearly always that is the end.
function insert(lists, thread, i, values) {
    if (!lists.has(thread)) lists.set(thread, []);
    const list = lists.get(thread);
    let at = list.length;
    while (at > 0 && values[list[at - 1]] > values[i]) at--;
    if (at === list.length) list.push(i); else list.splice(at, 0, i);
}

// ---------------------------------------------------------------- words

const plural = (n, thing) => `${n} ${thing}${n === 1 ? "" : "s"}`;
const SAID = 8; // more than so many of a kind are counted, not named

function listed(items) {
    if (items.length <= SAID) return items.join(", ");
    return `${items.slice(0, SAID).join(", ")} and ${items.length - SAID} more`;
}

// A function that says moments (ns) of a picture `whole` ns long of which `span` ns are shown.
export function clockOf(whole, span = whole) {
    const [scale, unit, least] = whole >= 1e8 ? [1e9, "s", 2] : whole >= 1e5 ? [1e6, "ms", 1] : [1e3, "µs", 0];
    const digits = Math.min(9, Math.max(least, Math.round(-Math.log10(span / scale / 100))));
    return (ns) => `${(ns / scale).toFixed(digits)} ${unit}`;
}

// A length of time, with the digits that it deserves.
export function lasting(ns) {
    if (ns >= 1e8) return `${(ns / 1e9).toFixed(2)} s`;
    if (ns >= 1e5) return `${+(ns / 1e6).toPrecision(3)} ms`;
    return `${+(ns / 1e3).toPrecision(3)} µs`;
}

// What everyone is doing at moment t.
export function wordsAt(store, t, clock) {
    if (store.kind === "gil") return gilWordsAt(store, t, clock);
    const workers = [], askers = [];
    let idle = 0, busy = 0, many = store.lanes.filter(([kind]) => kind === "worker").length > SAID;
    for (const [kind, label, thread] of store.lanes) {
        if (kind === "queue") continue;
        const task = store.runningAt(thread, t), wait = store.waitAt(thread, t), call = store.callAt(thread, t);
        const does = [];
        if (task >= 0) does.push(`runs ${task}`);
        if (call) does.push(`runs a callback of ${call.task}`);
        if (wait) does.push(`is blocked in ${wait.call}()${wait.task < 0 ? "" : ` of ${wait.task}`}`);
        if (kind === "asker") askers.push(`${label} ${does.join(" and ") || "is not blocked"}`);
        else if (!does.length && many) idle += 1;
        else if (many && busy++ >= SAID) continue;
        else workers.push(`${label} ${does.join(" and ") || "is idle"}`);
    }
    if (busy > SAID) workers.push(`${plural(busy - SAID, "more worker")} ${busy - SAID === 1 ? "is" : "are"} busy`);
    if (idle) workers.push(`${plural(idle, "worker")} ${idle === 1 ? "is" : "are"} idle`);
    const queued = store.queuedAt(t), parts = [];
    if (workers.length) parts.push(workers.join(", "));
    if (queued.length) {
        const first = queued.reduce((a, i) => Math.min(a, store.submitted[i]), Infinity);
        const since = queued.length > 1 ? `longest since ${clock(first)}` : `since ${clock(first)}`;
        const verb = queued.length > 1 ? "wait" : "waits";
        parts.push(`${listed(queued)} ${verb} in the queue, ${since}`);
    } else parts.push("nothing waits in the queue");
    if (askers.length) parts.push(askers.join(", "));
    const ended = {returned: 0, raised: 0, cancelled: 0};
    for (let i = 0; i < store.count; i++)
        if (store.finished[i] <= t && store.outcome[i]) ended[OUTCOMES[store.outcome[i]]]++;
    // "3 returned" could be task 3.
    const counts = Object.entries(ended).filter(([, n]) => n).map(
        ([how, n], k) => k ? `${n} ${how}` : `${plural(n, "task")} ${how}`);
    parts.push(counts.length ? `so far ${counts.join(", ")}` : "no task has ended yet");
    return `at ${clock(t)}: ${parts.join("; ")}`;
}

function gilWordsAt(store, t, clock) {
    const at = (spans) => spans.find((s) => s.start <= t && t < s.end);
    const said = store.threads.map(({name, asleep}, thread) => {
        const {holds, waits, aside} = store.of[thread];
        const [hold, wait, off] = [holds, waits, aside].map(at);
        if (off) return `${name} is set aside by the system since ${clock(off.start)}`;
        if (hold && asleep) return `${name} sleeps inside its work since ${clock(hold.start)}`;
        if (hold) return `${name} ${store.gil ? "holds the GIL" : "runs"} since ${clock(hold.start)}`;
        return wait ? `${name} waits for the GIL since ${clock(wait.start)}` : `${name} does not run`;
    });
    return `at ${clock(t)}: ${said.join("; ")}`;
}

// One task, for whoever points at it.
export function taskWords(store, i) {
    const queued = store.left(i) - store.submitted[i], run = store.finished[i] - store.started[i];
    const worker = (store.lanes.find(([, , thread]) => thread === store.worker[i]) || [])[1];
    const state = store.state(i), parts = [];
    if (store.unseen.has(i)) parts.push("ran where its worker could not be seen");
    else if (Number.isFinite(queued)) parts.push(`waited ${lasting(Math.max(0, queued))} in the queue`);
    else parts.push("waits in the queue");
    if (!Number.isNaN(store.started[i])) parts.push(state === "running"
        ? `runs since ${lasting(store.started[i])}`
        : `ran ${lasting(run)} on ${worker}`);
    if (!Number.isNaN(store.cpu[i]) && run > 0) parts.push(`${lasting(store.cpu[i])} of it on a CPU`);
    if (OUTCOMES[store.outcome[i]]) parts.push(store.errors[i] ? `${state} ${store.errors[i]}` : state);
    return [`task ${i}: ${store.labels[store.label[i]]}`, parts.join(", ")];
}

// Tasks that wait in the queue at one moment, in the order in which they came there.
function queueWords(store, queued) {
    if (queued.length === 1) return taskWords(store, queued[0]);
    const words = queued.slice(0, SAID).map((i) => {
        const wait = store.left(i) - store.submitted[i];
        const there = Number.isFinite(wait) ? `${lasting(wait)} in the queue` : "still in the queue";
        return `${i}: ${store.labels[store.label[i]]}, ${there}`;
    });
    const more = queued.length - words.length;
    return [plural(queued.length, "task") + " in the queue", ...words, ...more ? [`and ${more} more`] : []];
}

// ---------------------------------------------------------------- the picture

const LIGHT = {back: "#FFFFFF", ink: "#222222", gray: "#8A8A8A", pale: "#F1F1F1", line: "#DADADA", deep: DEEP};
const NIGHT = {back: "#111111", ink: "#E6E6E6", gray: "#A2A2A2", pale: "#2A2A2A", line: "#4A4A4A", deep: "#5E7480"};

// The look that the page around the element has: JupyterLab's variables, VS Code's, or the system's choice.
export function lookOf(element) {
    const style = getComputedStyle(element);
    const variables = ["--jp-layout-color0", "--vscode-editor-background"];
    const named = variables.map((name) => style.getPropertyValue(name).trim()).find((value) => value);
    const probe = element.ownerDocument.createElement("canvas").getContext("2d");
    probe.fillStyle = named || (matchMedia("(prefers-color-scheme: dark)").matches ? NIGHT : LIGHT).back;
    const back = probe.fillStyle; // as #rrggbb
    return {...(back.startsWith("#") && inkOn(back) === "white" ? NIGHT : LIGHT), back, drawn: {}};
}

function hatch(ctx, ratio, ink) {
    const size = 6, tile = document.createElement("canvas");
    tile.width = tile.height = Math.round(size * ratio);
    const pen = tile.getContext("2d");
    pen.scale(tile.width / size, tile.height / size);
    pen.strokeStyle = ink;
    pen.lineWidth = 0.9;
    pen.beginPath();
    for (const shift of [-size, 0, size]) pen.moveTo(shift - 1, size + 1), pen.lineTo(shift + size + 1, -1);
    pen.stroke();
    const pattern = ctx.createPattern(tile, "repeat");
    pattern.setTransform(new DOMMatrix().scale(size / tile.width, size / tile.height));
    return pattern;
}

function cross(ctx, x, y, size, ink, edge, width = 2.6) {
    for (const [color, wide] of edge ? [[edge, width + 1.8], [ink, width]] : [[ink, width]]) {
        ctx.strokeStyle = color;
        ctx.lineWidth = wide;
        ctx.beginPath();
        ctx.moveTo(x - size, y - size), ctx.lineTo(x + size, y + size);
        ctx.moveTo(x + size, y - size), ctx.lineTo(x - size, y + size);
        ctx.stroke();
    }
}

function diamond(ctx, x, y, look) {
    ctx.beginPath();
    ctx.moveTo(x, y - 5), ctx.lineTo(x + 5, y), ctx.lineTo(x, y + 5), ctx.lineTo(x - 5, y);
    ctx.closePath();
    ctx.fillStyle = look.ink;
    ctx.strokeStyle = look.back;
    ctx.lineWidth = 0.8;
    ctx.fill();
    ctx.stroke();
}

// Where each lane of a store lies, from `top` down, in pixels.
export function layLanes(store, top) {
    const lanes = [], add = (kind, label, thread, inches, below = "") => {
        const last = lanes.at(-1);
        const y = last ? last.top + last.size + GAP : top + (store.title ? HEAD : HEAD - 18);
        lanes.push({kind, label, thread, store, top: y, size: inches * INCH, middle: y + inches * INCH / 2, below});
    };
    if (store.kind === "gil") {
        store.threads.forEach(({name, work}, thread) => add("gil", name, thread, 0.46, work));
        return lanes;
    }
    const workers = store.lanes.filter(([kind]) => kind === "worker");
    for (const [kind, label, thread] of store.lanes) if (kind === "asker") add(kind, label, thread, 0.44);
    if (store.count) {
        const {most, longest} = store.depths();
        if (most && (!store.ended || longest > 0.01 * store.present()))
            add("queue", "queue", -1, most <= MOST_STRIPES ? 0.12 + 0.062 * most : 0.9);
    }
    const size = workers.length <= 12 ? 0.36 : workers.length <= 24 ? 0.24 : 0.17;
    for (const [kind, label, thread] of workers) add(kind, label, thread, size);
    return lanes;
}

// Draws the lanes of one store onto a canvas; x(ns) gives pixels. Returns the signs that it drew.
class Painter {
    constructor(view, store) {
        Object.assign(this, {view, store, ctx: view.ctx, look: view.look, from: view.from, until: view.until});
        this.width = view.width - LEFT - RIGHT;
        this.each = this.width / (this.until - this.from); // pixels a ns
        this.dot = 1 / view.ratio; // the width of a device's pixel
        this.now = store.present();
        this.keys = new Set();
    }

    x(ns) { return LEFT + (ns - this.from) * this.each; }
    at(x) { return this.from + (x - LEFT) / this.each; }

    text(words, x, y, {align = "left", base = "middle", font = "", ink = this.look.ink, box = false} = {}) {
        const ctx = this.ctx;
        ctx.font = `${font || "12px"} ${this.view.font}`;
        ctx.textAlign = align;
        ctx.textBaseline = base;
        if (box) {
            const wide = ctx.measureText(words).width;
            ctx.globalAlpha = 0.8;
            ctx.fillStyle = this.look.back;
            ctx.fillRect(align === "right" ? x - wide - 1 : x - 1, base === "top" ? y - 1 : y - 12, wide + 2, 14);
            ctx.globalAlpha = 1;
        }
        ctx.fillStyle = ink;
        ctx.fillText(words, x, y);
    }

    // To the right of x, or to its left where it would run out of the picture.
    beside(words, x, y, style) {
        const left = x < LEFT + 0.7 * this.width;
        this.text(words, x + (left ? 4 : -4), y, {...style, align: left ? "left" : "right"});
    }

    lane(lane) {
        const {ctx, look} = this;
        if (lane.kind !== "worker" && lane.kind !== "gil") {
            ctx.fillStyle = look.pale;
            ctx.fillRect(LEFT, lane.top, this.width, lane.size);
        } else if (lane.size > 13) {
            ctx.fillStyle = look.line;
            ctx.fillRect(LEFT, lane.middle - 0.3, this.width, 0.6);
        }
        if (this.store.kind === "gil") return this.gilLane(lane);
        if (lane.kind === "queue") this.queue(lane);
        else {
            this.bars(lane);
            this.hatched(lane);
            this.ticks(lane);
            this.crosses(lane);
            this.callbacks(lane);
        }
    }

    names(lanes) {
        for (const lane of lanes) {
            const small = lane.size < 16, shift = lane.below ? 7 : 0;
            this.text(lane.label, LEFT - 8, lane.middle - shift, {align: "right", font: small ? "10.5px" : "13px"});
            if (lane.below) this.text(lane.below, LEFT - 8, lane.middle + shift, {align: "right", font: "11px"});
        }
    }

    ticks(lane) {
        const {store, ctx} = this, order = store.sent.get(lane.thread);
        if (!order) return;
        const few = store.count <= MOST_TICKS;
        let last = -Infinity;
        for (let k = above(order, store.submitted, this.at(LEFT - 2)); k < order.length; k++) {
            const i = order[k], x = this.x(store.submitted[i]);
            if (x > LEFT + this.width + 2) break;
            if (!few && x - last < 1) { // as many as lie in this pixel are one
                k = Math.max(k, above(order, store.submitted, this.at(last + 1)) - 1);
                continue;
            }
            last = x;
            ctx.fillStyle = few ? colorOf(i) : GRAY;
            const wide = few ? 2.4 : 1;
            ctx.fillRect(x - wide / 2, lane.top + 2, wide, lane.size - 4);
        }
        this.keys.add("submit");
    }

    // A bar a run. Runs that would be narrower than a pixel share it.
    bars(lane) {
        const {store, ctx, look} = this, order = store.ran.get(lane.thread);
        if (!order) return;
        const right = LEFT + this.width, fills = COLORS.map(() => []), open = [], wide = [];
        let k = Math.max(0, above(order, store.started, this.from) - 1);
        for (; k < order.length; k++) {
            const i = order[k], going = Number.isNaN(store.finished[i]);
            const x0 = this.x(store.started[i]), x1 = this.x(going ? this.now : store.finished[i]);
            if (x0 > right) break;
            if (x1 < LEFT) continue;
            if (going) { open.push([i, x0, x1]); continue; }
            if (x1 - x0 < this.dot) {
                const pixel = Math.floor(x0 / this.dot);
                fills[i % COLORS.length].push(pixel * this.dot, this.dot);
                k = Math.max(k, above(order, store.started, this.at((pixel + 1) * this.dot)) - 2);
                continue;
            }
            const gap = x1 - x0 > 3 ? 0.4 : 0, a = Math.max(x0, LEFT - 4), b = Math.min(x1, right + 4);
            fills[i % COLORS.length].push(a + gap, b - a - 2 * gap);
            if (x1 - x0 > 3) wide.push([i, x0, x1]);
        }
        fills.forEach((spans, color) => {
            ctx.fillStyle = COLORS[color];
            for (let n = 0; n < spans.length; n += 2) ctx.fillRect(spans[n], lane.top, spans[n + 1], lane.size);
        });
        for (const [i, x0, x1] of open) {
            ctx.globalAlpha = 0.35;
            ctx.fillStyle = colorOf(i);
            ctx.fillRect(x0, lane.top, x1 - x0, lane.size);
            ctx.globalAlpha = 1;
            ctx.setLineDash([2, 2]);
            ctx.strokeStyle = look.ink;
            ctx.lineWidth = 1.3;
            ctx.strokeRect(x0, lane.top, x1 - x0, lane.size);
            ctx.setLineDash([]);
            this.keys.add("still running");
        }
        for (const [i, x0, x1] of wide) {
            const busy = Math.min(1, store.cpu[i] / Math.max(store.finished[i] - store.started[i], 1));
            if (!(busy > 0.02)) continue;
            ctx.fillStyle = DARK;
            ctx.fillRect(x0, lane.top + lane.size - 4, busy * (x1 - x0), 4);
            this.keys.add("CPU time, as a length");
        }
        if (lane.size < 0.2 * INCH) return;
        for (const [i, x0, x1] of [...wide, ...open]) {
            const a = Math.max(x0, LEFT), b = Math.min(x1, right), words = String(i);
            if (b - a < 8 * (words.length + 0.6)) continue;
            const going = Number.isNaN(store.finished[i]);
            const font = lane.size > 0.3 * INCH ? "bold 13px" : "bold 11px";
            const ink = going ? look.ink : inkOn(colorOf(i));
            // Beside the cursor's line, which would hide it.
            const middle = (a + b) / 2, line = this.x(this.view.cursor), half = 4 * words.length + 5;
            const hidden = Math.abs(line - middle) < half && b - line > 2 * half;
            this.text(words, hidden ? line + half : middle, lane.middle, {align: "center", font, ink});
        }
    }

    hatched(lane) {
        const {store, ctx, look} = this;
        for (const wait of store.blocked.get(lane.thread) || []) {
            const x0 = this.x(wait.start), x1 = this.x(Number.isNaN(wait.end) ? this.now : wait.end);
            if (x1 < LEFT || x0 > LEFT + this.width || x1 - x0 < 0.3) continue;
            const a = Math.max(x0, LEFT - 2), b = Math.min(x1, LEFT + this.width + 2);
            if (lane.kind !== "worker") {
                ctx.fillStyle = look.back;
                ctx.fillRect(a, lane.top + 7, b - a, lane.size - 14);
            }
            ctx.fillStyle = this.view.hatching;
            ctx.fillRect(a, lane.top + 7, b - a, lane.size - 14);
            ctx.strokeStyle = look.gray;
            ctx.lineWidth = 0.8;
            ctx.strokeRect(a, lane.top + 7, b - a, lane.size - 14);
            this.keys.add(`blocked in ${wait.call}()`);
        }
    }

    crosses(lane) {
        const {store} = this;
        let last = -Infinity;
        for (const i of store.ran.get(lane.thread) || []) {
            if (store.outcome[i] !== 2) continue;
            const x = this.x(store.finished[i]) - 7;
            if (x < LEFT - 8 || x > LEFT + this.width + 8 || x - last < 2) continue;
            last = x;
            cross(this.ctx, x, lane.middle, 4, VERMILION, "white", 3);
            this.keys.add("raised");
        }
    }

    callbacks(lane) {
        let last = -Infinity;
        for (const call of this.store.calls) {
            if (call.thread !== lane.thread) continue;
            const x = this.x(call.start), a = Math.max(x, LEFT), b = Math.min(this.x(call.end), LEFT + this.width);
            this.ctx.fillStyle = this.look.ink;
            if (b > a) this.ctx.fillRect(a, lane.middle - 1.5, b - a, 3);
            if (x < LEFT || x > LEFT + this.width || Math.abs(x - last) < 2) continue;
            last = x;
            diamond(this.ctx, x, lane.middle, this.look);
            this.keys.add("callback");
        }
    }

    queue(lane) {
        const {store, ctx, look} = this, right = LEFT + this.width, striped = store.depths().most <= MOST_STRIPES;
        const floor = lane.top + lane.size, y = (i) => striped ? stripe(store, lane, i) : floor - 5;
        if (striped) {
            for (let i = 0; i < store.count; i++) {
                const x0 = this.x(store.submitted[i]), x1 = this.x(Math.min(store.left(i), this.now));
                if (!(x1 > LEFT && x0 < right)) continue;
                ctx.fillStyle = colorOf(i);
                const a = Math.max(x0, LEFT);
                ctx.fillRect(a, y(i) - 1.7, Math.min(x1, right) - a, 3.4);
            }
            this.keys.add("waiting in the queue");
        } else {
            this.area(lane, store.depths(), "waiting");
            this.keys.add("tasks in the queue");
        }
        const last = {2: -Infinity, 3: -Infinity};
        for (let i = 0; i < store.count; i++) {
            const how = store.outcome[i];
            if (how < 2 || !Number.isNaN(store.started[i])) continue;
            const x = this.x(store.finished[i]);
            if (x < LEFT || x > right || (!striped && x - last[how] < 2)) continue;
            last[how] = x;
            if (how === 3) cross(ctx, x, y(i), 3.5, look.ink, null, 2);
            else cross(ctx, x, y(i), 3.5, VERMILION, "white", 2.6);
            this.keys.add(how === 3 ? "cancelled" : "raised");
        }
    }

    // A number over time as an area on the lane's floor, its peak named; in each pixel the highest one counts.
    area(lane, {times, depth, most}, word) {
        const {ctx} = this, floor = lane.top + lane.size, tall = (lane.size - 17) / Math.max(most, 1);
        let k = 0, high = times.length;
        while (k < high) {
            const middle = (k + high) >> 1;
            if (times[middle] > this.from) high = middle; else k = middle + 1;
        }
        let level = k ? depth[k - 1] : 0, x = LEFT;
        ctx.fillStyle = this.look.deep;
        const end = Math.min(this.x(this.now), LEFT + this.width);
        while (x < end) {
            let top = level;
            const next = x + this.dot, moment = this.at(next);
            for (; k < times.length && times[k] <= moment; k++) top = Math.max(top, level = depth[k]);
            if (top) ctx.fillRect(x, floor - top * tall, this.dot, top * tall);
            x = next;
        }
        const peak = this.x(times[depth.indexOf(most)]);
        if (peak >= LEFT && peak <= LEFT + this.width)
            this.beside(`${most} ${word}`, peak, lane.top + 15, {base: "bottom"});
    }

    // Flags for marks; those that are close share one.
    flags(lanes) {
        const {ctx, store} = this, flags = [];
        for (const mark of [...store.marks].sort((a, b) => a.time - b.time)) {
            const lane = lanes.find((one) => one.thread === mark.thread && one.kind !== "queue") || lanes.at(-1);
            const x = this.x(Math.max(0, mark.time)); // one before the first submit stands at the edge
            if (!lane || x < LEFT || x > LEFT + this.width) continue;
            ctx.fillStyle = this.look.ink;
            ctx.fillRect(x - 0.7, lane.top, 1.4, lane.size);
            const near = flags.findLast((flag) => flag.lane === lane);
            if (near && x - near.x < 0.03 * this.width) near.words.push(mark.text);
            else flags.push({x, lane, words: [mark.text]});
        }
        for (const {x, lane, words} of flags)
            this.beside([...new Set(words)].join(", "), x, lane.top + 4, {base: "top", font: "11.5px", box: true});
    }

    gilLane(lane) {
        const {store, ctx, look} = this, {holds, waits, aside} = store.of[lane.thread];
        const ink = colorOf(lane.thread), thread = store.threads[lane.thread];
        const tall = 0.62 * lane.size, top = lane.middle - tall / 2, right = LEFT + this.width;
        const seen = (span) => this.x(span.end) > LEFT && this.x(span.start) < right;
        for (const wait of waits.filter(seen)) {
            ctx.fillStyle = look.ink;
            ctx.fillRect(this.x(wait.start), lane.middle - 0.7, (wait.end - wait.start) * this.each, 1.4);
            this.keys.add("waits for the GIL");
        }
        for (const hold of holds.filter(seen)) {
            const x0 = Math.max(this.x(hold.start), LEFT), x1 = Math.min(this.x(hold.end), right);
            const wide = Math.max(x1 - x0, 1);
            ctx.fillStyle = thread.asleep ? look.back : ink;
            ctx.fillRect(x0, top, wide, tall);
            if (thread.asleep) {
                ctx.strokeStyle = ink;
                ctx.setLineDash([2, 2]);
                ctx.strokeRect(x0, top, wide, tall);
                ctx.setLineDash([]);
            } else {
                const words = lasting(hold.end - hold.start);
                if (wide > 7 * words.length + 4)
                    this.text(words, (x0 + x1) / 2, lane.middle, {align: "center", font: "11.5px", ink: inkOn(ink)});
            }
            this.keys.add(thread.asleep ? "asleep inside its work" : "runs");
        }
        for (const gap of aside.filter((span) => seen(span) && (span.end - span.start) * this.each > 1)) {
            ctx.fillStyle = look.back;
            ctx.globalAlpha = 0.6;
            ctx.fillRect(this.x(gap.start), top, (gap.end - gap.start) * this.each, tall);
            ctx.globalAlpha = 1;
            ctx.strokeStyle = look.gray;
            ctx.lineWidth = 3;
            ctx.setLineDash([2, 3]);
            ctx.beginPath();
            ctx.moveTo(this.x(gap.start), lane.middle), ctx.lineTo(this.x(gap.end), lane.middle);
            ctx.stroke();
            ctx.setLineDash([]);
            this.keys.add("set aside by the system");
        }
        const said = `ran ${(100 * thread.share).toFixed(0)}%`;
        this.shares = (this.shares || []).concat({said, y: lane.middle});
    }

    nobody(lanes) {
        if (!lanes.length) return;
        const top = lanes[0].top, high = lanes.at(-1).top + lanes.at(-1).size - top;
        for (const [start, end] of this.store.nobody) {
            const x0 = Math.max(this.x(start), LEFT), x1 = Math.min(this.x(end), LEFT + this.width);
            if (x1 <= x0) continue;
            this.ctx.fillStyle = this.look.pale;
            this.ctx.fillRect(x0, top, x1 - x0, high);
            this.keys.add("none of them ran");
        }
    }
}

const stripe = (store, lane, i) => {
    const {rows, most} = store.queueRows();
    return lane.top + 5 + (rows[i] + 0.5) * (lane.size - 10) / Math.max(most, store.depths().most, 1);
};

// What each sign means: small pictures, drawn as the large ones are.
const SIGNS = {
    "submit": (c) => [0, 1, 2].forEach((i) => { c.fillStyle = COLORS[i]; c.fillRect(5 + 6 * i, 1, 2.4, 12); }),
    "blocked": (c, look, view) => {
        c.fillStyle = view.hatching;
        c.fillRect(1, 2, 24, 10);
        c.strokeStyle = look.gray;
        c.strokeRect(1, 2, 24, 10);
    },
    "waiting in the queue": (c) => { c.fillStyle = COLORS[4]; c.fillRect(1, 5, 24, 3.4); },
    "tasks in the queue": (c, look) => { c.fillStyle = look.deep; c.fillRect(1, 2, 24, 10); },
    "raised": (c) => cross(c, 13, 7, 4, VERMILION, "white", 3),
    "cancelled": (c, look) => cross(c, 13, 7, 3.5, look.ink, null, 2),
    "still running": (c, look) => { c.strokeStyle = look.ink; c.setLineDash([2, 2]); c.strokeRect(1, 2, 24, 10); },
    "callback": (c, look) => diamond(c, 13, 7, look),
    "CPU time, as a length": (c) => {
        c.fillStyle = COLORS[4];
        c.fillRect(1, 2, 24, 10);
        c.fillStyle = DARK;
        c.fillRect(1, 9, 16, 3);
    },
    "runs": (c) => { c.fillStyle = COLORS[0]; c.fillRect(1, 2, 24, 10); },
    "asleep inside its work": (c) => { c.strokeStyle = COLORS[0]; c.setLineDash([2, 2]); c.strokeRect(1, 2, 24, 10); },
    "waits for the GIL": (c, look) => { c.fillStyle = look.ink; c.fillRect(1, 6, 24, 1.4); },
    "set aside by the system": (c, look) => {
        c.strokeStyle = look.gray;
        c.lineWidth = 3;
        c.setLineDash([2, 3]);
        c.beginPath();
        c.moveTo(1, 7), c.lineTo(25, 7);
        c.stroke();
    },
    "none of them ran": (c, look) => { c.fillStyle = look.pale; c.fillRect(1, 2, 24, 10); c.strokeStyle = look.line;
        c.strokeRect(1, 2, 24, 10); },
};

// ---------------------------------------------------------------- the view

const STYLE = `
.pool-timeline { font-family: var(--jp-ui-font-family, system-ui, sans-serif); color: var(--jp-ui-font-color1, inherit);
    font-size: 13px; line-height: 1.4; position: relative; max-width: 1100px; }
.pool-timeline canvas { display: block; }
.pool-timeline .stage { position: relative; outline: none; user-select: none; cursor: crosshair; }
.pool-timeline .stage, .pool-timeline .stage * { touch-action: pan-y; } /* the lanes scroll: they ask no one above */
.pool-timeline .stage:focus-visible { outline: 2px solid var(--jp-brand-color1, #2196F3); outline-offset: 2px; }
.pool-timeline .lanes { overflow-x: hidden; overflow-y: auto; position: relative; }
.pool-timeline .lanes canvas { position: sticky; top: 0; }
.pool-timeline .axis { cursor: ew-resize; }
.pool-timeline .bar { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; margin: 2px 0 4px; }
.pool-timeline button, .pool-timeline select { font: inherit; color: inherit; padding: 2px 9px; border-radius: 3px;
    border: 1px solid var(--jp-border-color1, #999); background: var(--jp-layout-color2, transparent);
    cursor: pointer; }
.pool-timeline option { color: initial; }
.pool-timeline button:focus-visible, .pool-timeline select:focus-visible {
    outline: 2px solid var(--jp-brand-color1, #2196F3); outline-offset: 1px; }
.pool-timeline .words { margin: 4px 0 0; min-height: 2.8em; }
.pool-timeline .hint { margin: 0; opacity: 0.75; font-size: 12px; }
.pool-timeline .keys { display: flex; flex-wrap: wrap; gap: 2px 16px; justify-content: center; margin: 2px 0;
    min-height: 19px; }
.pool-timeline .keys span { display: inline-flex; align-items: center; gap: 6px; }
.pool-timeline .tip { position: absolute; z-index: 5; pointer-events: none; max-width: 320px; padding: 4px 8px;
    border-radius: 3px; background: var(--jp-layout-color1, Canvas); color: var(--jp-ui-font-color1, CanvasText);
    border: 1px solid var(--jp-border-color1, #999); box-shadow: 0 1px 4px rgba(0, 0, 0, 0.3); font-size: 12.5px; }
.pool-timeline .tip b { display: block; }
`;
const HINT = "Drag the line with the time at its foot, or click and press ← →: the words say what everyone does " +
    "then. Click a bar, or press ↑ ↓, for its task. Zoom: Ctrl + wheel, + and −; double click: all of it.";
const SPEEDS = [[1, "1×"], [1 / 4, "1/4×"], [1 / 10, "1/10×"], [1 / 100, "1/100×"], [1 / 1000, "1/1000×"]];
const FLIGHT = 220; // ms in which a task moves from lane to lane

// Shift + Enter runs the next cell, wherever the focus is.
const forJupyter = ({ctrlKey, metaKey, altKey, shiftKey, key}) =>
    ctrlKey || metaKey || altKey || (shiftKey && key === "Enter");

function make(tag, className, parent, properties = {}) {
    const element = document.createElement(tag);
    element.className = className;
    for (const [name, value] of Object.entries(properties))
        if (name in element) element[name] = value; else element.setAttribute(name, value);
    parent.append(element);
    return element;
}

export class View {
    constructor(shared, root) {
        this.shared = shared;
        this.root = root;
        this.stores = shared.stores;
        this.cursor = NaN; // ns; NaN: none was placed yet
        this.whole = true; // the whole run is shown, and grows with it
        this.from = 0;
        this.until = 1e6;
        this.shown = 0; // how much time the whole of the picture spans
        this.playing = false;
        this.lane = -1; // the lane chosen by keys
        this.frames = 0;
        this.drawn = 0;
        this.next = 0; // no live frame before it, on the page's clock
        this.signs = new Set(); // what the legend explains
        this.keyed = "";
        this.said = "";
        this.saidAt = 0;
        this.visible = true;
        this.build();
        this.off = [];
        this.listen();
        this.resize();
    }

    build() {
        const root = this.root;
        root.classList.add("pool-timeline");
        make("style", "", root, {textContent: STYLE});
        const bar = make("div", "bar", root);
        this.button = make("button", "", bar, {textContent: "▶ Play", type: "button"});
        this.speed = make("select", "", bar, {"aria-label": "speed"});
        for (const [value, words] of SPEEDS) make("option", "", this.speed, {value, textContent: words});
        this.out = make("button", "", bar, {textContent: "−", type: "button", "aria-label": "zoom out"});
        this.in = make("button", "", bar, {textContent: "+", type: "button", "aria-label": "zoom in"});
        this.all = make("button", "", bar, {textContent: "Show all", type: "button"});
        this.stage = make("div", "stage", root, {
            tabIndex: 0, role: "slider", "aria-label": "time cursor", "aria-valuemin": "0"});
        this.lanes = make("div", "lanes", this.stage);
        this.spacer = make("div", "", this.lanes);
        this.canvas = make("canvas", "", this.spacer);
        this.axis = make("canvas", "axis", this.stage);
        this.tip = make("div", "tip", this.stage, {hidden: true});
        this.keys = make("div", "keys", root);
        this.words = make("p", "words", root, {"aria-live": "polite"});
        this.hint = make("p", "hint", root, {textContent: HINT});
        this.ctx = this.canvas.getContext("2d", {alpha: false}); // opaque: nothing behind it is drawn
        this.pen = this.axis.getContext("2d", {alpha: false});
    }

    on(target, name, handler, options) {
        target.addEventListener(name, handler, options);
        this.off.push(() => target.removeEventListener(name, handler, options));
    }

    listen() {
        this.on(this.button, "click", () => this.play(!this.playing));
        this.on(this.in, "click", () => this.zoom(1 / 1.5));
        this.on(this.out, "click", () => this.zoom(1.5));
        this.on(this.all, "click", () => this.showWhole());
        this.on(this.stage, "dblclick", () => this.showWhole());
        this.on(this.stage, "keydown", (event) => this.key(event));
        this.on(window, "keydown", (event) => this.claim(event), true);
        this.on(this.stage, "wheel", (event) => this.wheel(event), {passive: false});
        this.on(this.stage, "pointerdown", (event) => this.down(event));
        this.on(this.stage, "pointermove", (event) => this.move(event));
        for (const name of ["pointerup", "pointercancel"]) this.on(this.stage, name, (event) => this.up(event));
        this.on(this.stage, "pointerleave", ({pointerType}) => { // a finger leaves as soon as it is lifted
            if (this.lane < 0 && pointerType !== "touch") this.tip.hidden = true;
        });
        this.on(this.stage, "blur", () => { this.lane = -1; this.tip.hidden = true; this.invalidate(); });
        this.on(this.lanes, "scroll", () => this.invalidate());
        const sizes = new ResizeObserver(() => this.resize());
        sizes.observe(this.root);
        const seen = new IntersectionObserver((entries) => {
            this.visible = entries.at(-1).isIntersecting;
            this.invalidate();
        });
        seen.observe(this.root);
        const themes = new MutationObserver(() => { this.look = null; this.keyed = ""; this.invalidate(); });
        for (const node of [document.documentElement, document.body])
            themes.observe(node, {attributes: true, attributeFilter: ["class", "style", "data-jp-theme-name",
                "data-jp-theme-light", "data-vscode-theme-kind"]});
        this.off.push(() => sizes.disconnect(), () => seen.disconnect(), () => themes.disconnect());
        this.shared.views.add(this);
        this.off.push(() => this.shared.views.delete(this));
    }

    close() {
        this.closed = true;
        cancelAnimationFrame(this.asked);
        clearTimeout(this.timer);
        this.off.forEach((undo) => undo());
        this.root.replaceChildren();
    }

    // New stamps have come.
    news() {
        const live = this.stores.some((store) => !store.ended), epochs = this.stores.map((store) => store.epoch).join();
        if (epochs !== this.epochs) { // other runs than before
            this.epochs = epochs;
            this.cursor = NaN;
            this.whole = true;
            this.shown = 0;
            this.lane = -1;
            this.signs = new Set();
            this.tip.hidden = true;
            if (this.playing) this.play(false);
        }
        if (!live && Number.isNaN(this.cursor)) this.cursor = 0.4 * this.length(); // in sight, so that it is found
        this.live = live;
        this.settled = false;
        this.invalidate();
    }

    invalidate() {
        if (this.asked || this.closed) return;
        const rest = this.live ? this.next - performance.now() : 0;
        if (rest > 2) { // a timer costs less than frames that draw nothing
            this.asked = -1;
            this.timer = setTimeout(() => this.turn(performance.now()), rest);
        } else this.asked = requestAnimationFrame((time) => this.turn(time));
    }

    turn(time) {
        this.asked = 0;
        if (!this.visible || !this.root.isConnected || !this.width) return;
        this.next = performance.now() + this.pause();
        this.frame(time);
        if (this.growing() || this.playing || !this.settled) this.invalidate();
    }

    // The least time between two frames, in ms. A run that goes on may need the cores that the browser draws with.
    pause() {
        if (!this.live || this.playing) return 0;
        return HERE && this.shared.get("cores") < 2 ? 105 : 45;
    }

    resize() {
        const width = Math.floor(this.root.clientWidth), ratio = window.devicePixelRatio || 1;
        if (!width) return;
        this.width = width;
        this.ratio = ratio;
        this.look = null;
        this.keyed = "";
        this.laid = "";
        this.invalidate();
    }

    fit(canvas, width, height) {
        canvas.width = Math.round(width * this.ratio);
        canvas.height = Math.round(height * this.ratio);
        canvas.style.width = `${width}px`;
        canvas.style.height = `${height}px`;
    }

    // Whether the picture moves by itself. A kernel that was restarted never says that its run is over.
    growing() { return this.stores.some((store) => !store.ended && !store.silent()); }

    length() { return Math.max(...this.stores.map((store) => store.length())); }

    // Lay out the lanes; the picture takes as much of the page as they need, up to a limit, and then scrolls.
    layout() {
        this.sections = [];
        let top = 0;
        for (const store of this.stores) {
            const lanes = layLanes(store, top), last = lanes.at(-1);
            this.sections.push({store, lanes, top});
            top = last ? last.top + last.size + 6 : top + HEAD;
        }
        const bottom = Math.max(top, this.shared.get("least_height") - AXIS);
        const high = Math.min(bottom, this.shared.get("most_height") - AXIS);
        const size = `${this.width} ${bottom} ${this.ratio}`;
        if (size === this.laid) return;
        this.laid = size;
        this.bottom = bottom;
        this.high = high;
        this.lanes.style.height = `${high}px`;
        this.spacer.style.height = `${bottom}px`;
        this.fit(this.canvas, this.lanes.clientWidth || this.width, high);
        this.fit(this.axis, this.width, AXIS);
        this.inked = null; // the axis has to be drawn anew
    }

    // The span of time that is shown, `gone` ms after it was shown last: of a growing run with some room to grow into.
    span(gone) {
        const length = this.length();
        this.settled = true;
        if (this.live) {
            if (length > this.shown) this.shown = this.shown ? Math.max(length, 1.3 * this.shown) : length;
        } else this.shown = length;
        if (!this.whole) return;
        const from = -0.004 * this.shown, until = 1.02 * this.shown;
        const step = 1 - (this.live ? 0.75 : 0.65) ** (gone / 17);
        const near = Math.abs(until - this.until) < 0.002 * this.shown || this.until <= 1e6 || !this.frames;
        if (!near) this.settled = false;
        this.until = near ? until : this.until + step * (until - this.until);
        this.from = near ? from : -0.004 * this.until;
    }

    frame(time) {
        if (!this.look) {
            this.look = lookOf(this.root);
            this.hatching = hatch(this.ctx, this.ratio, this.look.gray);
            this.font = getComputedStyle(this.root).fontFamily;
        }
        if (this.playing) this.advance(time);
        this.layout();
        this.span(Math.min(time - this.drawn, 200));
        this.drawn = time;
        this.frames += 1;
        const {ctx, ratio} = this;
        ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
        ctx.fillStyle = this.look.back;
        ctx.fillRect(0, 0, this.width, this.high);
        const scrolled = this.lanes.scrollTop, keys = new Set();
        ctx.translate(0, -scrolled);
        for (const {store, lanes, top} of this.sections) {
            const foot = scrolled + this.high + 4;
            const seen = lanes.filter((lane) => lane.top + lane.size > scrolled - 4 && lane.top < foot);
            const painter = new Painter(this, store);
            const head = store.title ? top + HEAD - 9 : top + HEAD - 27;
            if (store.title) painter.text(store.title, LEFT, top + 11, {font: "bold 14.5px"});
            painter.text(store.summaryLine(), LEFT, head, {base: "bottom", font: "13px"});
            painter.names(seen);
            ctx.save();
            ctx.beginPath();
            ctx.rect(LEFT - 6, scrolled - 4, this.width - LEFT - RIGHT + 12, this.high + 8);
            ctx.clip();
            this.grid(lanes);
            if (store.kind === "gil") painter.nobody(lanes);
            for (const lane of seen) painter.lane(lane);
            painter.flags(lanes);
            if (this.playing) this.veil(painter, lanes);
            ctx.restore();
            for (const key of painter.keys) keys.add(key);
        }
        this.line();
        this.drawAxis();
        if (!this.live) this.signs = keys;
        else for (const key of keys) this.signs.add(key); // what was explained stays, so that the page is still
        this.legend([...this.signs]);
        this.say(time);
    }

    grid(lanes) {
        if (!lanes.length) return;
        const top = lanes[0].top, high = lanes.at(-1).top + lanes.at(-1).size + 6 - top;
        this.ctx.fillStyle = this.look.line;
        for (const {x} of this.marks()) this.ctx.fillRect(x - 0.4, top, 0.8, high);
    }

    scale() {
        const whole = this.length();
        return whole >= 1e8 ? [1e9, "seconds"] : whole >= 1e5 ? [1e6, "milliseconds"] : [1e3, "microseconds"];
    }

    // The ticks of the axis.
    marks() {
        const [scale] = this.scale(), span = (this.until - this.from) / scale;
        const rough = span / Math.max(2, (this.width - LEFT) / 95), power = 10 ** Math.floor(Math.log10(rough));
        const step = power * [1, 2, 2.5, 5, 10].find((n) => n * power >= rough);
        const half = Math.abs(step / power - 2.5) < 1e-6 ? 1 : 0; // 0.25 has a digit more than 0.2
        const digits = Math.max(0, half - Math.floor(Math.log10(step) + 1e-9));
        const found = [];
        for (let n = Math.ceil(this.from / scale / step - 1e-9); n * step * scale <= this.until; n++) {
            const x = LEFT + (n * step * scale - this.from) / (this.until - this.from) * (this.width - LEFT - RIGHT);
            found.push({x, words: (n * step).toFixed(Math.min(digits, 9))});
        }
        return found;
    }

    x(ns) { return LEFT + (ns - this.from) / (this.until - this.from) * (this.width - LEFT - RIGHT); }

    at(x) { return this.from + (x - LEFT) / (this.width - LEFT - RIGHT) * (this.until - this.from); }

    drawAxis() {
        const {pen, look} = this, ticked = [this.from, this.until, this.cursor, this.scale()[1]].join();
        if (ticked === this.ticked && look === this.inked) return;
        this.ticked = ticked;
        this.inked = look;
        pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
        pen.fillStyle = look.back;
        pen.fillRect(0, 0, this.width, AXIS);
        pen.fillStyle = look.gray;
        pen.fillRect(LEFT, 0, this.width - LEFT - RIGHT, 1);
        pen.font = `12px ${this.font}`;
        pen.textAlign = "center";
        pen.textBaseline = "top";
        for (const {x, words} of this.marks()) {
            pen.fillStyle = look.gray;
            pen.fillRect(x - 0.5, 0, 1, 4);
            pen.fillStyle = look.ink;
            pen.fillText(words, x, 7);
        }
        const since = this.stores[0]?.kind === "gil" ? "since the start" : "since the first submit";
        pen.fillText(`${this.scale()[1]} ${since}`, LEFT + (this.width - LEFT - RIGHT) / 2, 24);
        if (Number.isNaN(this.cursor)) return;
        const x = this.x(this.cursor);
        if (x < LEFT - 1 || x > this.width - RIGHT + 1) return;
        const words = `◂ ${this.clock()(this.cursor)} ▸`;
        pen.font = `bold 12px ${this.font}`;
        const wide = pen.measureText(words).width + 14;
        const left = Math.min(Math.max(2, x - wide / 2), this.width - wide - 2);
        pen.fillStyle = look.ink;
        pen.beginPath();
        pen.moveTo(x, -1), pen.lineTo(x + 6, 5), pen.lineTo(x - 6, 5);
        pen.fill();
        pen.beginPath();
        pen.roundRect(left, 4, wide, 19, 9);
        pen.fill();
        pen.fillStyle = look.back;
        pen.fillText(words, left + wide / 2, 8);
    }

    // The cursor's line over the lanes, and the bar that the keys have chosen.
    line() {
        if (Number.isNaN(this.cursor)) return;
        const {ctx, look} = this, x = this.x(this.cursor);
        if (x < LEFT - 1 || x > this.width - RIGHT + 1) return;
        const tops = this.sections.map(({lanes, top}) => lanes.length ? lanes[0].top - 4 : top);
        tops.forEach((top, n) => {
            const foot = n + 1 < tops.length ? this.sections[n + 1].top : this.bottom;
            ctx.fillStyle = look.back;
            ctx.fillRect(x - 2, top, 4, foot - top);
            ctx.fillStyle = look.ink;
            ctx.fillRect(x - 1, top, 2, foot - top);
        });
        const lane = this.allLanes()[this.lane];
        if (!lane) return;
        ctx.strokeStyle = look.ink;
        ctx.lineWidth = 2;
        const found = this.find(lane, this.cursor);
        const [a, b] = found ? [Math.max(this.x(found.start), LEFT), Math.min(this.x(found.end), this.width - RIGHT)]
            : [LEFT, this.width - RIGHT];
        ctx.setLineDash(found ? [] : [3, 4]);
        ctx.strokeRect(a - 1, lane.top - 2, Math.max(2, b - a + 2), lane.size + 4);
        ctx.setLineDash([]);
    }

    clock() { return clockOf(this.length(), this.until - this.from); }

    // While it plays: what is still to come is pale, and tasks move from main into the queue and on to a worker.
    veil(painter, lanes) {
        const {ctx, look} = this, x = Math.max(this.x(this.cursor), LEFT), {store} = painter;
        if (!lanes.length) return;
        ctx.globalAlpha = 0.82;
        ctx.fillStyle = look.back;
        ctx.fillRect(x, lanes[0].top - 3, this.width - x, lanes.at(-1).top + lanes.at(-1).size + 9 - lanes[0].top);
        ctx.globalAlpha = 1;
        if (store.kind === "gil") return;
        const flight = FLIGHT * 1e6 * this.speed.value, t = this.cursor, where = new Map();
        const queue = lanes.find((lane) => lane.kind === "queue");
        for (const lane of lanes) if (lane.kind !== "queue") where.set(lane.thread, lane.middle);
        const striped = queue && store.depths().most <= MOST_STRIPES;
        const waits = (i) => !queue ? where.get(store.submitter[i]) : striped ? stripe(store, queue, i) : queue.middle;
        const moves = [];
        for (let i = 0; i < store.count && moves.length < 200; i++) {
            const submitted = store.submitted[i], started = store.started[i];
            if (started <= t && t < started + flight)
                moves.push([i, waits(i), where.get(store.worker[i]), t - started]);
            else if (submitted <= t && t < submitted + flight && !(started <= t))
                moves.push([i, where.get(store.submitter[i]), waits(i), t - submitted]);
        }
        for (const [i, a, b, gone] of moves) {
            if (a === undefined || b === undefined) continue;
            const part = gone / flight, ease = part * part * (3 - 2 * part), y = a + (b - a) * ease;
            ctx.beginPath();
            ctx.arc(x, y, 11, 0, 2 * Math.PI);
            ctx.fillStyle = colorOf(i);
            ctx.fill();
            ctx.strokeStyle = look.back;
            ctx.lineWidth = 1.5;
            ctx.stroke();
            painter.text(String(i), x, y, {align: "center", font: "bold 11px", ink: inkOn(colorOf(i))});
        }
    }

    legend(keys) {
        const calls = keys.filter((key) => key.startsWith("blocked in ")).map((key) => key.slice(11)).sort();
        const names = Object.keys(SIGNS).filter((name) => keys.includes(name) || (name === "blocked" && calls.length));
        const labels = names.map((name) => name === "blocked" ? `blocked in ${calls.join(", ")}` : name);
        if (labels.join() === this.keyed) return;
        this.keyed = labels.join();
        this.keys.replaceChildren();
        names.forEach((name, n) => {
            const item = make("span", "", this.keys);
            make("img", "", item, {src: this.sign(name), alt: "", width: 26, height: 14});
            item.append(labels[n]);
        });
    }

    // An image: a canvas would be a layer of its own in every frame of the page.
    sign(name) {
        const {drawn} = this.look;
        if (!(name in drawn)) {
            const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
            this.fit(canvas, 26, 14);
            pen.scale(this.ratio, this.ratio);
            SIGNS[name](pen, this.look, this);
            drawn[name] = canvas.toDataURL();
        }
        return drawn[name];
    }

    say(time) {
        const following = Number.isNaN(this.cursor);
        const t = following ? this.length() : this.cursor;
        const moving = this.playing || (this.growing() && following);
        if (moving && time - this.saidAt < 500) return;
        this.saidAt = time;
        // A screen reader would never get to the end of words that change twice a second.
        this.words.setAttribute("aria-live", moving ? "off" : "polite");
        const now = following && this.live ? Math.max(...this.stores.map((store) => store.present())) : t;
        const silent = this.stores.find((store) => store.silent());
        const lines = [this.wordsAt(now)];
        if (silent)
            lines.unshift(`No news from the kernel since ${this.clock()(silent.now)}: it is busy, or was restarted.`);
        if (this.lane >= 0) lines.push(this.chosen);
        const said = lines.join("\n");
        if (said === this.said) return;
        this.said = said;
        this.words.replaceChildren(...said.split("\n").map((text) => {
            const line = document.createElement("span");
            line.style.display = "block";
            line.textContent = text;
            return line;
        }));
        this.stage.setAttribute("aria-valuemax", String(this.length() / 1e9));
        this.stage.setAttribute("aria-valuenow", String(t / 1e9));
        this.stage.setAttribute("aria-valuetext", this.clock()(t));
    }

    wordsAt(t) {
        const clock = this.clock();
        return this.stores.map((store) => {
            const words = wordsAt(store, t, clock);
            return store.title && this.stores.length > 1 ? `${store.title}: ${words}` : words;
        }).join("\n");
    }

    // ------------------------------------------------------------ what a hand does

    place(t) {
        this.cursor = Math.min(Math.max(t, 0), this.length());
        const span = this.until - this.from;
        const seen = this.cursor >= this.from && this.cursor <= this.until;
        if (!this.whole && !seen) this.show(this.cursor - span / 2, span);
        if (this.lane >= 0) this.describe();
        this.invalidate();
    }

    show(from, span) {
        const whole = 1.024 * this.shown, least = Math.max(whole / 1e7, 50);
        span = Math.min(Math.max(span, least), whole);
        this.whole = span >= whole;
        if (!this.whole) {
            this.from = Math.min(Math.max(from, -0.004 * this.shown), 1.02 * this.shown - span);
            this.until = this.from + span;
        }
        this.invalidate();
    }

    showWhole() { this.show(0, Infinity); }

    // Zoom by a factor about a moment, by default the cursor's if it is in sight.
    zoom(factor, about = this.cursor) {
        const span = this.until - this.from;
        if (!(about >= this.from && about <= this.until)) about = (this.from + this.until) / 2;
        this.show(about - (about - this.from) * factor, span * factor);
    }

    pan(part) { if (!this.whole) this.show(this.from + part * (this.until - this.from), this.until - this.from); }

    play(on) {
        const end = this.length();
        if (on && (Number.isNaN(this.cursor) || this.cursor >= 0.999 * end)) this.cursor = 0;
        this.playing = on;
        this.before = 0;
        this.button.textContent = on ? "❚❚ Pause" : "▶ Play";
        this.invalidate();
    }

    advance(time) {
        if (this.before) this.place(this.cursor + (time - this.before) * 1e6 * this.speed.value);
        this.before = time;
        if (this.cursor >= this.length()) this.play(false);
    }

    // Notebook 7 takes keys before whoever has the focus gets them: an arrow on a lab's slider would move to another
    // cell, and d d on a button delete this one. It leaves those of an element with this attribute alone.
    claim(event) {
        const {target} = event, around = this.root.closest(".jp-OutputArea-output") || this.root;
        if (!target.matches || !around.contains(target)) return;
        const leaves = target.matches("button") && event.key.startsWith("Arrow");
        target.toggleAttribute("data-lm-suppress-shortcuts", !forJupyter(event) && !leaves);
    }

    key(event) {
        if (forJupyter(event)) return;
        const step = (this.until - this.from) / 100, cursor = Number.isNaN(this.cursor) ? 0 : this.cursor;
        const does = {
            ArrowLeft: () => this.place(event.shiftKey ? this.event(-1) : cursor - step),
            ArrowRight: () => this.place(event.shiftKey ? this.event(1) : cursor + step),
            Home: () => this.place(0), End: () => this.place(this.length()),
            ArrowUp: () => this.choose(-1), ArrowDown: () => this.choose(1),
            "+": () => this.zoom(1 / 1.5), "=": () => this.zoom(1 / 1.5), "-": () => this.zoom(1.5),
            w: () => this.zoom(1 / 1.5), s: () => this.zoom(1.5), a: () => this.pan(-0.15), d: () => this.pan(0.15),
            0: () => this.showWhole(), " ": () => this.play(!this.playing),
            Escape: () => { this.lane = -1; this.tip.hidden = true; this.stage.blur(); },
        }[event.key];
        event.stopPropagation();
        if (!does) return;
        event.preventDefault();
        if (event.key.startsWith("Arrow") && this.playing) this.play(false);
        does();
        this.invalidate();
    }

    // The next moment, forward or back, at which something happens (in the chosen lane, if one is).
    event(way) {
        const lane = this.allLanes()[this.lane], moments = [];
        for (const store of lane ? [lane.store] : this.stores) {
            if (store.kind === "gil") store.holds.forEach((span) => moments.push(span.start, span.end));
            for (let i = 0; i < store.count; i++) {
                if (lane?.kind === "worker" && store.worker[i] !== lane.thread) continue;
                moments.push(store.submitted[i], store.started[i], store.finished[i]);
            }
        }
        const t = Number.isNaN(this.cursor) ? 0 : this.cursor;
        let best = way > 0 ? this.length() : 0;
        for (const m of moments) if (way > 0 ? m > t + 1 && m < best : m < t - 1 && m > best) best = m;
        return best;
    }

    allLanes() { return (this.sections || []).flatMap(({lanes}) => lanes); }

    choose(way) {
        const lanes = this.allLanes();
        if (!lanes.length) return;
        if (Number.isNaN(this.cursor)) this.cursor = 0;
        this.lane = Math.min(Math.max(this.lane + way, 0), lanes.length - 1);
        const {top, size} = lanes[this.lane];
        if (top < this.lanes.scrollTop) this.lanes.scrollTop = top - 8;
        if (top + size > this.lanes.scrollTop + this.high) this.lanes.scrollTop = top + size - this.high + 8;
        this.describe();
    }

    // What stands in a lane at moment t: {start, end, words}, or nothing. `y` tells stripes of the queue apart.
    find(lane, t, y = NaN) {
        const {store} = lane, end = store.present(), slack = (this.until - this.from) / this.width;
        if (store.kind === "gil") {
            const {holds, waits, aside} = store.of[lane.thread];
            for (const [spans, does] of [[aside, "set aside by the system"],
                [holds, store.gil ? "holds the GIL" : "runs"], [waits, "waits for the GIL"]]) {
                const span = spans.find((one) => one.start <= t && t < one.end);
                if (span) return {...span, words: [lane.label, `${does} for ${lasting(span.end - span.start)}`]};
            }
            return null;
        }
        if (lane.kind === "queue") {
            const queued = store.queuedAt(t), striped = store.depths().most <= MOST_STRIPES;
            const under = (j) => striped && Math.abs(stripe(store, lane, j) - y) < 3.5;
            const all = Number.isNaN(y) || !striped ? queued : queued.filter(under);
            if (!all.length) return null;
            const ends = all.map((i) => Math.min(store.left(i), end));
            return {start: store.submitted[all[0]], end: Math.max(...ends), words: queueWords(store, all)};
        }
        const beside = [t, t - slack, t + slack].map((moment) => store.runningAt(lane.thread, moment));
        const near = beside.find((i) => i >= 0) ?? -1;
        const wait = store.waitAt(lane.thread, t), call = store.callAt(lane.thread, t)
            || store.calls.find((c) => c.thread === lane.thread && t > c.start - 4 * slack && t < c.end + slack);
        const words = [];
        let span = null;
        if (near >= 0) {
            words.push(...taskWords(store, near));
            span = {start: store.started[near], end: Number.isNaN(store.finished[near]) ? end : store.finished[near]};
        }
        if (wait) {
            const until = Number.isNaN(wait.end) ? end : wait.end;
            const whose = wait.task < 0 ? "" : ` of ${wait.task}`;
            words.push(`blocked in ${wait.call}()${whose} for ${lasting(until - wait.start)}`);
            span ||= {start: wait.start, end: until};
        }
        if (call) {
            words.push(`callback of ${call.task}: ${call.outcome} after ${lasting(call.end - call.start)}`);
            span ||= call;
        }
        if (!span && store.sent.has(lane.thread)) {
            const order = store.sent.get(lane.thread), k = above(order, store.submitted, t + 3 * slack) - 1;
            if (k >= 0 && Math.abs(store.submitted[order[k]] - t) < 4 * slack) {
                words.push(`submits ${order[k]}: ${store.labels[store.label[order[k]]]}`);
                span = {start: store.submitted[order[k]], end: store.submitted[order[k]]};
            }
        }
        return span ? {...span, words} : null;
    }

    // Say what the chosen lane shows at the cursor, beside it.
    describe() {
        const lane = this.allLanes()[this.lane];
        if (!lane) return;
        const found = this.find(lane, this.cursor);
        const words = found ? found.words : ["nothing at this moment"];
        this.chosen = `${lane.label}: ${words.join("; ")}`;
        this.showTip(words, this.x(this.cursor),
            lane.top + lane.size - this.lanes.scrollTop);
    }

    showTip(words, x, y) {
        const [first, ...rest] = words;
        this.tip.replaceChildren();
        make("b", "", this.tip, {textContent: first});
        rest.forEach((text) => make("div", "", this.tip, {textContent: text}));
        this.tip.hidden = false;
        this.tip.style.left = `${Math.min(Math.max(0, x + 12), this.width - this.tip.offsetWidth - 4)}px`;
        this.tip.style.top = `${y + 8}px`;
    }

    spot(event) {
        const box = this.stage.getBoundingClientRect();
        return {x: event.clientX - box.left, y: event.clientY - box.top};
    }

    hover(event) {
        const {x, y} = this.spot(event), down = y + this.lanes.scrollTop;
        const lane = this.allLanes().find((one) => one.top - 3 <= down && down <= one.top + one.size + 6);
        const found = y < this.high && x >= LEFT - 4 && lane && this.find(lane, this.at(x), down);
        if (found) this.showTip(found.words, x, y + 8); else if (this.lane < 0) this.tip.hidden = true;
    }

    down(event) {
        this.fingers ||= new Map();
        this.fingers.set(event.pointerId, this.spot(event).x);
        if (event.button > 0) return;
        if (this.fingers.size > 1) return this.undrag();
        this.stage.focus({preventScroll: true});
        const {x, y} = this.spot(event);
        if (x > this.lanes.clientWidth && this.bottom > this.high && y < this.high) return; // the scroll bar
        try { this.stage.setPointerCapture(event.pointerId); } catch { /* the finger is gone already */ }
        const onKnob = Math.abs(x - this.x(this.cursor)) < 40;
        const pans = y > this.high && !this.whole && !onKnob;
        this.drag = pans ? {from: this.from, x} : {cursor: true, before: this.cursor};
        this.lane = -1;
        if (this.playing) this.play(false);
        if (this.drag.cursor && x >= LEFT - 20) this.place(this.at(x));
        this.hover(event);
    }

    move(event) {
        const {x} = this.spot(event);
        if (this.fingers?.size === 2 && this.fingers.has(event.pointerId)) {
            const other = [...this.fingers].find(([id]) => id !== event.pointerId)[1];
            const before = this.fingers.get(event.pointerId);
            const factor = Math.max(20, Math.abs(before - other)) / Math.max(20, Math.abs(x - other));
            this.fingers.set(event.pointerId, x);
            this.zoom(factor, this.at(other));
        } else if (this.drag?.cursor) this.place(this.at(x));
        else if (this.drag) {
            const span = this.until - this.from;
            this.show(this.drag.from - (x - this.drag.x) * span / (this.width - LEFT - RIGHT), span);
        }
        this.hover(event);
    }

    up(event) {
        this.fingers?.delete(event.pointerId);
        if (event.type === "pointercancel") this.undrag();
        this.drag = null;
    }

    // What began as a drag is a pinch, or scrolls the page: the cursor goes back to where it was.
    undrag() {
        if (this.drag?.cursor) {
            this.cursor = this.drag.before;
            this.tip.hidden = true;
            this.invalidate();
        }
        this.drag = null;
    }

    // Pinching comes as a wheel with Ctrl. Without it the wheel zooms only where the picture has the focus.
    wheel(event) {
        const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey;
        const focused = document.activeElement === this.stage, scrolls = this.bottom > this.high;
        if (sideways && !event.ctrlKey) {
            if (this.whole) return;
            this.pan((event.deltaX || event.deltaY) / 600);
        } else if (event.ctrlKey || event.metaKey || (focused && !scrolls && !(this.whole && event.deltaY > 0)))
            this.zoom(Math.exp(Math.min(Math.max(event.deltaY, -60), 60) / (event.ctrlKey ? 120 : 300)),
                this.at(this.spot(event).x));
        else return;
        event.preventDefault();
        event.stopPropagation();
    }
}

// ---------------------------------------------------------------- the widget

// What the views of one widget share. The kernel's messages come one by one; who has missed one asks for all again.
class Shared {
    constructor(model) {
        this.model = model;
        this.stores = [];
        this.views = new Set();
        model.on("msg:custom", (content, buffers) => {
            if (content?.kind !== "news") return;
            const rest = [...(buffers ?? [])]; // some pages give none where a message has none
            for (const head of content.sections) {
                for (const name of ["rows", "waits", "calls"]) head[name] = head[`${name}_n`] ? rest.shift() : NOTHING;
            }
            if (!this.take(content.sections)) this.ask();
        });
        this.take(model.get("state").sections || []);
        this.ask();
    }

    take(heads) {
        this.stores.length = Math.min(this.stores.length, heads.length);
        let whole = true;
        heads.forEach((head, n) => {
            this.stores[n] ||= new Store();
            whole = this.stores[n].apply(head) && whole;
        });
        for (const view of this.views) view.news();
        return whole;
    }

    ask() { this.model.send({kind: "have", have: this.stores.map((store) => [store.epoch, store.seq])}); }

    get(name) { return this.model.get(name); }
}

// The page gives us a new face of the same model each time, so what is shared is found by the widget's key.
const widgets = new Map();
function sharedOf(model) {
    const key = model.get("key");
    if (!widgets.has(key)) widgets.set(key, new Shared(model));
    return widgets.get(key);
}

export default {
    initialize({model}) {
        sharedOf(model);
        return () => widgets.delete(model.get("key"));
    },
    render({model, el}) {
        const root = make("div", "", el), view = new View(sharedOf(model), root);
        root.timeline = view;
        view.news();
        return () => view.close();
    },
};
