"use strict";
// α over two hyperparameters: trials, an average between them, and the borders of the zone.
(() => {
  const { dimensions, trials, zone, objective } = report.data.places;
  const cells = 80, reach = 0.09, farthest = 0.27;

  // Where a value lies on its axis, whose ends are 0 and 1.
  function scale(dimension) {
    if (dimension.choices) {
      const last = Math.max(1, dimension.choices.length - 1);
      return (value) => dimension.choices.indexOf(value) / last;
    }
    const bend = dimension.log ? Math.log10 : (value) => value;
    const [low, high] = [bend(dimension.low), bend(dimension.high)];
    return (value) => (high > low ? (bend(value) - low) / (high - low) : 0.5);
  }

  function ticks(dimension) {
    const place = scale(dimension);
    if (dimension.choices) return [dimension.choices.map(place), dimension.choices.map(report.text)];
    const { low, high, log } = dimension;
    let values = [];
    if (log) {
      const decades = Math.log10(high / low);
      const steps = decades > 4 ? [1] : decades > 1.5 ? [1, 3] : [1, 2, 5];
      for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
        values.push(...steps.map((step) => Number(`${step}e${power}`)));
      }
    } else {
      values = Array.from({ length: 6 }, (_, step) => low + ((high - low) * step) / 5);
    }
    values = values.filter((value) => value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9));
    return [values.map(place), values.map(report.figure)];
  }

  // The mean of the neighbours' α, the nearest counting most; null where there are none.
  function averaged(points) {
    const steps = Array.from({ length: cells }, (_, step) => -0.03 + (1.06 * step) / (cells - 1));
    const z = steps.map((y) => steps.map((x) => {
      let sum = 0, weights = 0, near = Infinity;
      for (const point of points) {
        const distance = (point.x - x) ** 2 + (point.y - y) ** 2;
        const weight = Math.exp(-distance / (2 * reach * reach));
        sum += weight * point.alpha;
        weights += weight;
        near = Math.min(near, distance);
      }
      return near > farthest * farthest ? null : sum / weights;
    }));
    return { x: steps, y: steps, z };
  }

  function colours(low, high, from, to) {
    const at = (value) => Math.min(1, Math.max(0, (value - from) / (to - from)));
    const stops = [];
    if (at(low) > 0) stops.push([0, report.colour("map-low")], [at(low), report.colour("map-low-edge")]);
    if (at(high) > at(low)) stops.push([at(low), report.colour("map-zone")], [at(high), report.colour("map-zone")]);
    if (at(high) < 1) stops.push([at(high), report.colour("map-high-edge")], [1, report.colour("map-high")]);
    return stops;
  }

  report.paint("landscape", () => {
    const [across, up] = ["across", "up"].map((name) => dimensions[document.getElementById(`landscape-${name}`).value]);
    const places = [scale(across), scale(up)];
    const columns = [dimensions.indexOf(across), dimensions.indexOf(up)];
    const points = trials
      .filter((trial) => report.known(trial.alpha) && report.isVisible(trial))
      .filter((trial) => columns.every((column) => report.known(trial.values[column])))
      .map((trial) => ({
        ...trial, x: places[0](trial.values[columns[0]]), y: places[1](trial.values[columns[1]]),
        label: [across, up].map((each, i) => `${report.text(each.name)} ${report.text(report.figure(trial.values[columns[i]]))}`).join("<br>"),
      }));
    const alphas = points.map((point) => point.alpha);
    const low = zone[0] ?? Math.min(0, ...alphas), high = zone[1] ?? Math.max(2, ...alphas);
    const from = Math.min(low - 0.3, ...alphas), to = Math.max(high + 0.3, ...alphas);
    const shade = { colorscale: colours(low, high, from, to), zmin: from, zmax: to };
    const traces = [];
    if (points.length >= 5) {
      const grid = averaged(points);
      traces.push({ type: "heatmap", ...grid, ...shade, zsmooth: "best", opacity: 0.55, hoverinfo: "skip", showscale: false });
      for (const level of zone.filter(report.known)) {
        traces.push({
          type: "contour", ...grid, autocontour: false, hoverinfo: "skip", showscale: false, showlegend: false,
          contours: { coloring: "none", start: level, end: level, size: 1, showlabels: true, labelfont: { color: report.colour("ink") } },
          line: { color: report.colour("ink"), width: 1.2 },
        });
      }
    }
    const kinds = report.kinds();
    const mark = (name, some, symbol, size, more = {}) => ({
      type: "scatter", mode: "markers", name, x: some.map((p) => p.x), y: some.map((p) => p.y),
      text: some.map((p) => `trial ${p.number} (${report.text(p.state)})<br>α ${report.figure(p.alpha)}<br>${report.text(objective)} ${report.figure(p.objective)}<br>${p.label}`),
      hovertemplate: "%{text}<extra></extra>",
      marker: {
        symbol, size, color: some.map((p) => p.alpha), cmin: from, cmax: to, colorscale: shade.colorscale,
        line: { color: report.colour("ink"), width: 1 }, ...more,
      },
    });
    for (const [kind, style] of Object.entries(kinds)) {
      const some = points.filter((point) => point.kind === kind && !point.chosen);
      if (some.length) traces.push(mark(style.name, some, style.symbol.replace("-open", ""), 10));
    }
    const chosen = points.filter((point) => point.chosen);
    const bar = {
      showscale: true,
      colorbar: {
        title: { text: "α", side: "top" }, thickness: 12, len: 0.9, outlinewidth: 0, tickfont: { color: report.colour("muted") },
        tickvals: [from, low, high, to], ticktext: [from, low, high, to].map((value) => value.toFixed(1)),
      },
    };
    if (chosen.length) traces.push(mark("chosen", chosen, "star", 20, { ...bar, line: { color: report.colour("ink"), width: 1.6 } }));
    else if (traces.length) Object.assign(traces.at(-1).marker ?? {}, bar);
    const axis = (dimension) => {
      const [tickvals, ticktext] = ticks(dimension);
      return { title: { text: report.text(dimension.name) }, tickvals, ticktext, range: [-0.04, 1.04], showgrid: false };
    };
    return { traces, layout: { xaxis: axis(across), yaxis: axis(up), margin: { l: 60, r: 8, t: 12, b: 48 } } };
  });
  for (const name of ["across", "up"]) {
    document.getElementById(`landscape-${name}`)?.addEventListener("change", () => report.redraw("landscape"));
  }
  report.placing = { scale };
})();
