"use strict";
// Learning curves: one trace a kind of end, with gaps between trials, so that many stay quick.
report.paint("curves", () => {
  const { measures, trials } = report.data.curves;
  const select = document.getElementById("curves-measure");
  const place = measures.findIndex((measure) => measure.name === select.value);
  const { name, note } = measures[place];
  document.getElementById("curves-note").textContent = note;
  const epochs = [...new Set(trials.flatMap((trial) => trial.epochs))].sort((a, b) => a - b);
  const shown = trials.filter(report.isVisible);
  const kinds = report.kinds();

  const line = (label, some, style, width) => {
    const x = [], y = [], numbers = [];
    for (const trial of some) {
      x.push(...trial.epochs, null);
      y.push(...trial.values[place], null);
      numbers.push(...trial.epochs.map(() => `${trial.number} (${trial.state})`), null);
    }
    return {
      type: "scatter", mode: "lines+markers", name: label, x, y, customdata: numbers, connectgaps: false,
      opacity: width > 2 ? 1 : Math.min(1, Math.max(0.15, Math.sqrt(40 / some.length))),
      line: { color: style.colour, width, dash: style.dash },
      marker: { color: style.colour, size: width > 2 ? 8 : 5, symbol: style.symbol },
      hovertemplate: `trial %{customdata}<br>epoch %{x}<br>${name} %{y:.4g}<extra></extra>`,
    };
  };

  const traces = Object.entries(kinds)
    .map(([kind, style]) => [shown.filter((trial) => trial.kind === kind && !trial.chosen), style])
    .filter(([some]) => some.length)
    .map(([some, style]) => line(`${style.name} (${some.length})`, some, style, 1.2));
  const chosen = shown.filter((trial) => trial.chosen);
  if (chosen.length) {
    const gold = { colour: report.colour("accent"), dash: "solid", symbol: "circle" };
    traces.push(line(`chosen: trial ${chosen[0].number}`, chosen, gold, 3.5));
  }
  const shapes = name.startsWith("alpha_req") ? zoneBand() : [];
  const wide = epochs.length > 1 && epochs.at(-1) / epochs[0] >= 8;
  return {
    traces,
    layout: {
      shapes,
      xaxis: {
        title: { text: "epoch" }, type: wide ? "log" : "linear",
        ...(epochs.length <= 12 ? { tickvals: epochs, ticktext: epochs.map(String) } : {}),
      },
      yaxis: { title: { text: name } },
    },
  };

  function zoneBand() {
    const [low, high] = report.data.places.zone;
    return [{
      type: "rect", xref: "paper", x0: 0, x1: 1, y0: low ?? 0, y1: high ?? 3, layer: "below",
      fillcolor: report.colour("zone"), line: { width: 0 },
      label: { text: "zone", textposition: "top right", font: { color: report.colour("muted") } },
    }];
  }
});
document.getElementById("curves-measure")?.addEventListener("change", () => report.redraw("curves"));
