"use strict";
// What all plots share: the data, the theme, and Plotly, which is unpacked when a plot is near.
const report = (() => {
  const root = document.documentElement;
  const systemDark = matchMedia("(prefers-color-scheme: dark)");
  const data = JSON.parse(document.getElementById("report-data").textContent);
  const painters = new Map();
  const drawn = new Set();
  let visible = null;
  let library = null;

  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  // A custom property is not resolved when it is read; a colour is.
  const colour = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };

  async function unpack() {
    const packed = document.getElementById("plotly-gzip").textContent;
    const bytes = Uint8Array.from(atob(packed), (sign) => sign.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
    return window.Plotly;
  }

  const plotly = () => (library ??= unpack());

  function layout(extra = {}) {
    const ink = colour("ink"), muted = colour("muted"), grid = colour("line");
    const axis = {
      gridcolor: grid, linecolor: grid, zeroline: false, ticks: "outside", tickcolor: grid,
      tickfont: { color: muted }, title: { font: { color: muted }, standoff: 8 }, automargin: true,
    };
    const { xaxis = {}, yaxis = {}, ...rest } = extra;
    const join = (own) => ({ ...axis, ...own, title: { ...axis.title, ...(own.title ?? {}) } });
    return {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: ink },
      margin: { l: 56, r: 12, t: 12, b: 48 }, hovermode: "closest", dragmode: false, showlegend: true,
      hoverlabel: { bgcolor: colour("raised"), bordercolor: grid, font: { color: ink }, align: "left" },
      legend: { orientation: "h", x: 0, y: 1, yanchor: "bottom", font: { color: muted } },
      xaxis: join(xaxis), yaxis: join(yaxis), ...rest,
    };
  }

  const config = {
    responsive: true, displaylogo: false, displayModeBar: false, showTips: false,
  };

  async function draw(node) {
    const Plotly = await plotly();
    const painted = painters.get(node.dataset.plot)();
    node.setAttribute("aria-busy", "true");
    await Plotly.react(node, painted.traces, layout(painted.layout), config);
    node.removeAttribute("aria-busy");
    node.classList.add("drawn");
    drawn.add(node);
  }

  const redraw = (name) => {
    for (const node of drawn) if (!name || node.dataset.plot === name) draw(node);
  };

  function watch() {
    const nodes = [...document.querySelectorAll("[data-plot]")].filter((node) => painters.has(node.dataset.plot));
    const near = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        near.unobserve(target);
        draw(target);
      }
    }, { rootMargin: "400px" });
    nodes.forEach((node) => near.observe(node));
    // Paper is white and has no viewport: what was not seen yet is drawn before it is printed.
    let theme;
    addEventListener("beforeprint", () => {
      theme = root.dataset.theme;
      root.dataset.theme = "light";
      document.querySelectorAll("details").forEach((each) => { each.open = true; });
      nodes.forEach(draw);
    });
    addEventListener("afterprint", () => {
      if (theme) root.dataset.theme = theme;
      else delete root.dataset.theme;
      redraw();
    });
  }

  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : systemDark.matches);
  const button = document.getElementById("theme");
  function repaint() {
    button.setAttribute("aria-pressed", String(isDark()));
    redraw();
  }
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("goldilocks-theme", root.dataset.theme); } catch { /* as above */ }
    repaint();
  });
  systemDark.addEventListener("change", repaint);
  repaint();

  const known = (value) => value !== null && value !== undefined;
  return {
    data, colour, redraw, known,
    narrow: () => innerWidth < 600,
    figure: (value) => {
      if (typeof value !== "number") return String(value ?? "–");
      const small = value !== 0 && Math.abs(value) < 1e-3;
      return small ? value.toExponential(2).replace(/\.?0*e/, "e").replace("-", "−") : String(Number(value.toPrecision(4)));
    },
    // Trials come from Python in plain text, and Plotly reads a little HTML in its labels.
    text: (value) => String(value).replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`),
    isVisible: (trial) => visible === null || visible.has(trial.number),
    show: (numbers) => { visible = numbers; redraw(); },
    paint: (name, painter) => painters.set(name, painter),
    begin: watch,
    kinds: () => ({
      finished: { name: "finished", colour: colour("finished"), symbol: "circle", dash: "solid" },
      stopped: { name: "stopped early", colour: colour("stopped"), symbol: "diamond", dash: "dot" },
      collapsed: { name: "collapsed or failed", colour: colour("bad"), symbol: "x", dash: "dash" },
      open: { name: "not ended", colour: colour("open"), symbol: "circle-open", dash: "dashdot" },
    }),
  };
})();
