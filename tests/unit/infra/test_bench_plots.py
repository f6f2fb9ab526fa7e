"""The plots of benches: whole SVG, with the words and the places that they were given."""

from xml.etree import ElementTree

from infra.evaluation.plots import det_svg, reliability_svg

SVG = "{http://www.w3.org/2000/svg}"
BOTH_ROWS = [
    {"stated": -2.0, "observed": -2.5, "same": 3, "different": 900},
    {"stated": 3.5, "observed": None, "same": 40, "different": 0},
    {"stated": 2.0, "observed": 1.0, "same": 50, "different": 5},
]


def texts(svg: str) -> set[str | None]:
    return {element.text for element in ElementTree.fromstring(svg).iter(f"{SVG}text")}


def test_the_plot_of_errors_names_its_curves_and_is_the_same_for_the_same_errors() -> None:
    curves = {"one & two": [(0.0, 1.0), (0.01, 0.02), (0.9, 0.0)], "none": []}

    svg = det_svg("a < $b_1$", curves)

    assert {"a < $b_1$", "one & two", "none", "different people accepted", "1e-06", "0.4"} <= texts(svg)
    assert svg == det_svg("a < $b_1$", curves)
    assert svg != det_svg("a < $b_1$", {**curves, "one & two": [(0.0, 1.0), (0.02, 0.02), (0.9, 0.0)]})


def test_the_plot_of_reliability_has_a_dot_for_each_bin_that_has_a_place() -> None:
    svg = reliability_svg("reliability", BOTH_ROWS)

    dots = [element for element in ElementTree.fromstring(svg).iter() if element.get("id") == "PathCollection_1"]
    assert len([*dots[0].iter(f"{SVG}path")]) == 2
    assert "observed on people that the fit had not seen" in texts(svg)
    assert reliability_svg("nothing to show", [])
