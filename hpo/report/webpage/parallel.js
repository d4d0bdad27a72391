"use strict";
// Parallel coordinates drawn as plain lines: Plotly's own need WebGL, which not every browser has.
report.paint("parallel", () => {
  const { dimensions, trials, objective, maximise } = report.data.places;
  const ends = (name, values) => {
    const known = values.filter(report.known);
    return { name, choices: null, log: false, low: Math.min(...known), high: Math.max(...known) };
  };
  const axes = [
    ...dimensions.map((dimension, place) => ({ ...dimension, value: (trial) => trial.values[place] })),
    { ...ends("α", trials.map((trial) => trial.alpha)), value: (trial) => trial.alpha },
    { ...ends(objective, trials.map((trial) => trial.objective)), value: (trial) => trial.objective },
  ];
  const scales = axes.map(report.placing.scale);
  const shown = trials.filter(report.isVisible);
  const ranked = [...shown].filter((trial) => report.known(trial.objective))
    .sort((one, other) => (maximise ? 1 : -1) * (one.objective - other.objective));

  const line = (name, some, color, width, opacity) => {
    const x = [], y = [], text = [];
    for (const trial of some) {
      axes.forEach((axis, place) => {
        const value = axis.value(trial);
        x.push(place);
        y.push(report.known(value) ? scales[place](value) : null);
        text.push(`trial ${trial.number} (${report.text(trial.state)})<br>${report.text(axis.name)} ${report.text(report.figure(value))}<br>${report.text(objective)} ${report.figure(trial.objective)}`);
      });
      x.push(null); y.push(null); text.push(null);
    }
    return {
      type: "scatter", mode: "lines+markers", name, x, y, text, connectgaps: false, opacity,
      line: { color, width }, marker: { color, size: 4 }, hovertemplate: "%{text}<extra></extra>",
    };
  };

  const bins = Math.min(4, Math.max(1, ranked.length));
  const traces = [];
  for (let bin = 0; bin < bins; bin += 1) {
    const part = ranked.slice(Math.floor((bin * ranked.length) / bins), Math.floor(((bin + 1) * ranked.length) / bins))
      .filter((trial) => !trial.chosen);
    const name = bins === 1 ? "trials" : ["worst quarter", "third quarter", "second quarter", "best quarter"][4 - bins + bin];
    if (part.length) traces.push(line(name, part, report.colour(`rank-${4 - bins + bin}`), 1.4, 0.9));
  }
  const unknown = shown.filter((trial) => !report.known(trial.objective));
  if (unknown.length) traces.push(line("without an objective", unknown, report.colour("bad"), 1, 0.7));
  const chosen = shown.filter((trial) => trial.chosen);
  if (chosen.length) traces.push(line("chosen", chosen, report.colour("accent"), 3.5, 1));

  const note = (place, y, text, yanchor) => ({ x: place, y, text: report.text(text), showarrow: false, yanchor, font: { size: 12, color: report.colour("muted") } });
  const annotations = axes.flatMap((axis, place) => {
    const name = { ...note(place, 1.09, axis.name, "bottom"), font: { size: 13, color: report.colour("ink") } };
    if (axis.choices) {
      return [name, ...axis.choices.map((choice) => ({ ...note(place, scales[place](choice), choice, "middle"), xshift: 6, xanchor: "left" }))];
    }
    return [name, note(place, 1.015, report.figure(axis.high), "bottom"), note(place, -0.015, report.figure(axis.low), "top")];
  });
  const shapes = axes.map((_, place) => ({ type: "line", x0: place, x1: place, y0: 0, y1: 1, layer: "below", line: { color: report.colour("muted"), width: 1 } }));
  return {
    traces,
    layout: {
      annotations, shapes, margin: { l: 40, r: 40, t: 12, b: 40 },
      legend: { orientation: "h", x: 0, y: -0.08, yanchor: "top", font: { color: report.colour("muted") } },
      xaxis: { visible: false, range: [-0.35, axes.length - 0.65] }, yaxis: { visible: false, range: [-0.08, 1.2] },
    },
  };
});
