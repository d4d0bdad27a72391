"use strict";
// Spectra in log-log, each with the power law that α is the slope of.
report.paint("spectra", () => {
  const style = {
    chosen: { color: report.colour("accent"), symbol: "circle" },
    median: { color: report.colour("finished"), symbol: "square" },
    collapsed: { color: report.colour("bad"), symbol: "x" },
  };
  const traces = [];
  for (const each of report.data.spectra.trials) {
    const { color, symbol } = style[each.role];
    const fit = each.alpha === null ? "no power law" : `α ${each.alpha.toFixed(2)}`;
    const name = `${each.role}: trial ${each.number}, ${fit}`;
    traces.push({
      type: "scatter", mode: "markers", name, x: each.ranks, y: each.values,
      marker: { color, symbol, size: 5, opacity: 0.75 },
      hovertemplate: `${name}<br>rank %{x}: %{y:.3g}<extra></extra>`,
    });
    if (!each.line) continue;
    traces.push({
      type: "scatter", mode: "lines", x: each.line[0], y: each.line[1], showlegend: false,
      line: { color, width: 2.5, dash: "dash" }, hoverinfo: "skip",
    });
  }
  const axis = { type: "log", exponentformat: "power", dtick: 1 };
  return {
    traces,
    layout: {
      xaxis: { ...axis, title: { text: "rank" } },
      yaxis: { ...axis, title: { text: "eigenvalue / the largest" } },
    },
  };
});
