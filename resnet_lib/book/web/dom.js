/* Elements of the page. */

/** An element with these properties and children.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag @param {Record<string, any>} properties @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]} */
export function make(tag, properties, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

/** An element of a drawing.
 * @param {string} name */
export const create = (name) => document.createElementNS("http://www.w3.org/2000/svg", name);

/** Set an element's attributes: those alone that differ from the `former` ones.
 * @param {Element} node @param {Record<string, string>} values @param {Record<string, string>} [former] */
export function set(node, values, former = {}) {
  for (const [key, value] of Object.entries(values)) if (former[key] !== value) node.setAttribute(key, value);
  for (const key of Object.keys(former)) if (!(key in values)) node.removeAttribute(key);
}

/** Copy a text; where the browser has no clipboard for us, by way of a text field.
 * @param {string} text */
export async function copy(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  const area = make("textarea", { value: text });
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (!copied) throw new Error("the browser does not copy");
}

/** A button that copies what `content` gives, and says whether it could.
 * @param {string} label @param {() => string} content */
export function copyButton(label, content) {
  const button = make("button", { type: "button", textContent: label });
  button.addEventListener("click", async () => {
    button.style.minWidth = `${button.offsetWidth}px`; // what is beside it stays where it is
    button.textContent = await copy(content()).then(
      () => "Copied",
      () => "Your browser denies copying",
    );
    setTimeout(() => (button.textContent = label), 1500);
  });
  return button;
}

/** Give the reader a file.
 * @param {string} text @param {string} name @param {string} type */
export function saveFile(text, name, type) {
  const href = URL.createObjectURL(new Blob([text], { type }));
  make("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 10_000);
}
