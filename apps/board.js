// A board of picture tiles. Click a tile to pick it, to give it the next mark of a cycle, or drag
// on it to draw a box. Tiles are buttons: Tab and Enter or Space do what a click does. A narrow
// window, a phone's, has fewer columns.
const GAP = 4, PADDING = 3; // as in board.css

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const root = parentElement.querySelector(".board");
  root.send = { setStateValue, setTriggerValue };
  if (root.dataset.token === data.token) return; // the same board: its marks here are the latest
  root.dataset.token = data.token;
  root.marks = [...data.marks];
  root.boxes = data.boxes.map((one) => ({ ...one }));
  const tileWidth = data.width * data.scale;
  root.style.gridTemplateColumns = `repeat(auto-fill, ${tileWidth}px)`;
  root.style.maxWidth = `min(100%, ${data.columns * (tileWidth + GAP) - GAP + 2 * PADDING}px)`;
  root.replaceChildren(...data.labels.map((label, index) => tile(root, data, label, index)));
}

function tile(root, data, label, index) {
  const button = document.createElement("button");
  const across = data.sheet_columns, scale = data.scale;
  const width = data.width * scale, height = data.height * scale;
  button.className = "tile";
  button.type = "button";
  button.style.cssText =
    `width:${width}px;height:${height}px;background-image:url(${data.sheet});` +
    `background-size:${across * width}px auto;` +
    `background-position:${-(index % across) * width}px ${-Math.floor(index / across) * height}px`;
  const badge = document.createElement("span");
  badge.className = "badge";
  button.append(badge);
  const show = () => {
    const mark = root.marks[index] ?? "";
    badge.textContent = mark;
    button.dataset.mark = mark;
    button.setAttribute("aria-label", mark ? `${label}, marked ${mark}` : label);
    button.title = button.getAttribute("aria-label");
  };
  show();
  if (data.mode === "boxes") {
    button.style.touchAction = "none"; // a finger draws; elsewhere it scrolls the page
    drawing(root, data, button, index);
  } else {
    button.onclick = () => {
      if (!data.cycle.length) return root.send.setTriggerValue("picked", index);
      const next = (data.cycle.indexOf(root.marks[index] ?? "") + 1) % data.cycle.length;
      root.marks[index] = data.cycle[next];
      show();
      root.send.setStateValue("marks", [...root.marks]);
    };
  }
  return button;
}

// Boxes are in pixels of the picture: x0, y0, x1, y1, the last two not included.
function drawing(root, data, button, index) {
  const inside = (event) => {
    const place = button.getBoundingClientRect();
    const clip = (value, most) => Math.min(Math.max(value, 0), most);
    return [
      clip((event.clientX - place.left) / data.scale, data.width),
      clip((event.clientY - place.top) / data.scale, data.height),
    ];
  };
  const outline = (box) => {
    const frame = document.createElement("span");
    frame.className = "box";
    place(frame, box, data.scale);
    button.append(frame);
    return frame;
  };
  root.boxes.filter((one) => one.tile === index).forEach((one) => outline(one.box));
  let from = null, frame = null;
  button.onpointerdown = (event) => {
    from = inside(event);
    frame = outline(around(from, from));
    button.setPointerCapture(event.pointerId);
    event.preventDefault();
  };
  button.onpointermove = (event) => {
    if (from) place(frame, around(from, inside(event)), data.scale);
  };
  button.onpointerup = (event) => {
    if (!from) return;
    const box = around(from, inside(event));
    const small = box[2] - box[0] < 2 || box[3] - box[1] < 2;
    if (small) {
      // A click takes this picture's boxes away again.
      button.querySelectorAll(".box").forEach((one) => one.remove());
      root.boxes = root.boxes.filter((one) => one.tile !== index);
    } else {
      root.boxes.push({ tile: index, box });
    }
    from = frame = null;
    root.send.setStateValue("boxes", root.boxes.map((one) => ({ ...one })));
  };
}

function around([ax, ay], [bx, by]) {
  return [
    Math.floor(Math.min(ax, bx)), Math.floor(Math.min(ay, by)),
    Math.ceil(Math.max(ax, bx)), Math.ceil(Math.max(ay, by)),
  ];
}

function place(frame, [x0, y0, x1, y1], scale) {
  frame.style.cssText =
    `left:${x0 * scale}px;top:${y0 * scale}px;` +
    `width:${(x1 - x0) * scale}px;height:${(y1 - y0) * scale}px`;
}
