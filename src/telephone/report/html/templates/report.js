"use strict";
(() => {
  const form = document.getElementById("filter");
  const games = [...document.querySelectorAll(".game")];
  const button = document.getElementById("open-all");
  const hasVisibleGame = (box) => box.querySelector(".game:not([hidden])") !== null;
  const update = () => {
    const wanted = [...new FormData(form)].filter(([, value]) => value !== "");
    for (const game of games) game.hidden = wanted.some(([key, value]) => game.dataset[key] !== value);
    for (const box of document.querySelectorAll(".prompt, .level")) box.hidden = !hasVisibleGame(box);
    const shown = games.filter((game) => !game.hidden).length;
    document.getElementById("shown").textContent = `${shown} of ${games.length} games`;
  };
  form.hidden = false;
  form.addEventListener("change", update);
  button.addEventListener("click", () => {
    const open = button.textContent === "Open all";
    for (const game of games) if (!game.hidden) game.open = open;
    button.textContent = open ? "Close all" : "Open all";
  });
  update();
})();
