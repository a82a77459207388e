// Draws the embedded figures in the reader's colours and enlarges pictures by whole numbers of screen pixels.
(function () {
  "use strict";
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const figures = [...document.querySelectorAll(".plot")].map((holder) => ({
    holder, spec: JSON.parse(holder.querySelector("script").textContent), drawn: false,
  }));

  function colours(print) {
    return dark.matches && !print
      ? { ink: "#e6e8ea", soft: "#a3abb3", line: "#343a40", axis: "#6b747d", black: "#ffffff", blue: "#56a3e0" }
      : { ink: "#1b1f24", soft: "#59626d", line: "#e2e5e9", axis: "#9aa3ab", black: "#000000", blue: "#0072B2" };
  }

  // Black and the darkest blue of the palette would vanish on a dark ground.
  // Only under keys that hold colours: a class may well be called "black".
  function recolour(value, tone, key) {
    if (typeof value === "string" && /colou?r(s|way)?$/i.test(key || "")) {
      const name = value.toLowerCase();
      if (name === "#000000" || name === "black") return tone.black;
      if (name === "#0072b2") return tone.blue;
      return value;
    }
    if (Array.isArray(value)) return value.map((item) => recolour(item, tone, key));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, recolour(item, tone, key)]));
    }
    return value;
  }

  function themed(spec, print) {
    const tone = colours(print);
    const layout = recolour(spec.layout || {}, tone);
    const template = layout.template || (layout.template = {});
    const base = template.layout || (template.layout = {});
    base.font = { ...base.font, color: tone.ink, size: 13, family: getComputedStyle(document.body).fontFamily };
    base.paper_bgcolor = base.plot_bgcolor = "rgba(0,0,0,0)";
    for (const axis of ["xaxis", "yaxis"]) {
      base[axis] = { ...base[axis], gridcolor: tone.line, zerolinecolor: tone.axis, linecolor: tone.axis,
        tickfont: { color: tone.soft }, automargin: true };
    }
    base.hoverlabel = { bgcolor: dark.matches && !print ? "#1d2125" : "#ffffff", font: { color: tone.ink } };
    layout.autosize = true;
    delete layout.width;
    return { data: recolour(spec.data || [], tone), layout };
  }

  function draw(figure, print) {
    const { data, layout } = themed(figure.spec, print);
    if (print) layout.width = 680;
    figure.drawn = true;
    return Plotly.react(figure.holder, data, layout,
      { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["lasso2d", "select2d"] });
  }

  function enlarge() {
    const ratio = window.devicePixelRatio || 1;
    for (const image of document.querySelectorAll("img.pixels")) {
      const width = Number(image.dataset.width), height = Number(image.dataset.height);
      const room = Math.floor(image.parentElement.clientWidth * ratio / width);
      const steps = Math.max(1, Math.min(room, Math.round(image.dataset.scale * ratio)));
      image.style.width = width * steps / ratio + "px";
      image.style.height = height * steps / ratio + "px";
    }
  }

  if (window.Plotly) {
    const seen = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        const figure = figures.find((f) => f.holder === entry.target);
        if (entry.isIntersecting && !figure.drawn) draw(figure, false);
      }
    }, { rootMargin: "600px" });
    figures.forEach((figure) => seen.observe(figure.holder));
    dark.addEventListener("change", () => figures.filter((f) => f.drawn).forEach((f) => draw(f, false)));
    window.addEventListener("beforeprint", () => figures.forEach((f) => draw(f, true)));
    window.addEventListener("afterprint", () => figures.forEach((f) => draw(f, false)));
  }
  window.addEventListener("resize", enlarge);
  enlarge();
})();
