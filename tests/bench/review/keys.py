"""From the key of a verdict to the next item with its pictures, in a real browser, over a queue that never ends."""

import os
import shutil
from typing import Any

from playwright.async_api import async_playwright

from api.pages.gate import COOKIE

DECISIONS = 60
WATCH = """
window.shown = [];
document.addEventListener("keydown", (event) => {
  if (event.key !== "d") return;
  const began = performance.now();
  const before = document.querySelector("article.item:not([hidden])");
  const look = () => {
    const now = document.querySelector("article.item:not([hidden])");
    if (!now || now === before) return requestAnimationFrame(look);
    const pictures = [...now.querySelectorAll("img")].map((image) => image.decode().catch(() => {}));
    Promise.all(pictures).then(() => requestAnimationFrame(() => window.shown.push(performance.now() - began)));
  };
  requestAnimationFrame(look);
}, true);
"""


async def measure_keys(api_url: str, session: str) -> dict[str, Any] | None:
    """p50, p95 and the longest in milliseconds, of `decisions` keys that dismiss; None without a browser."""
    path = os.environ.get("REDTHREAD_CHROMIUM") or shutil.which("chromium")
    if path is None:
        return None
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        context = await browser.new_context(viewport={"width": 1366, "height": 768}, bypass_csp=True)
        await context.add_cookies([{"name": COOKIE, "value": session, "url": api_url}])
        page = await context.new_page()
        await page.goto(f"{api_url}/app/review")
        await page.evaluate(WATCH)
        for number in range(1, DECISIONS + 1):
            await page.wait_for_function("!document.documentElement.classList.contains('locked')")
            await page.wait_for_timeout(600)  # the quickest look of a person that the page takes for one
            await page.keyboard.press("d")
            await page.wait_for_function(f"window.shown.length >= {number}")
        times = sorted(await page.evaluate("window.shown"))
        await browser.close()
    p50, p95 = (round(times[min(int(share * len(times)), len(times) - 1)], 1) for share in (0.5, 0.95))
    return {"decisions": len(times), "p50_ms": p50, "p95_ms": p95, "longest_ms": round(times[-1], 1)}
