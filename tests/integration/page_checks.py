# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with a page, asked in JavaScript of the browser that shows it."""

from __future__ import annotations

# Each pair of a text and the ground it stands on that has too little contrast (WCAG 2.2, 1.4.3).
CONTRAST = """(() => {
  const numbers = colour => colour.match(/[0-9.]+/g).map(Number);
  const light = colour => numbers(colour).slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if ((numbers(colour)[3] ?? 1) > 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const found = new Set();
  let seen = 0;
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || element.closest(".hidden") || !element.checkVisibility()) continue;
    seen += 1;
    const pair = [getComputedStyle(element).color, ground(element)];
    const [high, low] = pair.map(light).sort((a, b) => b - a);
    if ((high + 0.05) / (low + 0.05) < 4.5) found.add(pair.join(" on ") + " at " + element.className);
  }
  return [seen, [...found]];
})()"""

# Elements that stick out of the window, or whose content sticks out of them; what scrolls for itself may.
OVERFLOW = """(() => {
  const width = document.documentElement.clientWidth;
  const name = element => element.tagName + "." + element.className;
  const out = [...document.body.querySelectorAll("*")].filter(element => !element.closest(".scroll, .hidden"))
    .filter(element => element.getBoundingClientRect().right > width + 0.5
      || (getComputedStyle(element).display !== "inline" && element.scrollWidth > element.clientWidth + 1));
  const page = document.documentElement.scrollWidth > width ? ["the page"] : [];
  return [...page, ...out.map(name)];
})()"""
