"""Runs in a peer's own environment, as `tests.bench.environment` starts it: finds faces as the peer's users do.

Each class is one peer: `packages` are those whose versions are reported, `faces` gives a box (x, y, w, h) in pixels and
a vector, None of a peer that only detects, for each face of the picture at a path.
"""

import importlib
import os
from importlib.metadata import version
from typing import Any


class FaceRecognition:
    """dlib's HOG detector and ResNet embedding, by face_recognition's defaults."""

    packages = ("face_recognition", "dlib")

    def __init__(self) -> None:
        self._library: Any = importlib.import_module("face_recognition")

    def faces(self, path: str) -> list[Any]:
        picture = self._library.load_image_file(path)
        found = self._library.face_locations(picture)
        vectors = self._library.face_encodings(picture, found)
        return [
            [(left, top, right - left, bottom - top), vector.tolist()]
            for (top, right, bottom, left), vector in zip(found, vectors, strict=True)
        ]


class MediaPipe:
    """BlazeFace for faces within two metres of the camera, as the package ships it."""

    packages = ("mediapipe",)

    def __init__(self) -> None:
        library: Any = importlib.import_module("mediapipe")
        self._cv2: Any = importlib.import_module("cv2")
        self._cv2.setNumThreads(1)
        self._detector = library.solutions.face_detection.FaceDetection(min_detection_confidence=0.5)

    def faces(self, path: str) -> list[Any]:
        picture = self._cv2.cvtColor(self._cv2.imread(path), self._cv2.COLOR_BGR2RGB)
        height, width = picture.shape[:2]
        found: list[Any] = self._detector.process(picture).detections or []
        boxes: list[Any] = [detection.location_data.relative_bounding_box for detection in found]
        return [[(box.xmin * width, box.ymin * height, box.width * width, box.height * height), None] for box in boxes]


class Mtcnn:
    """The three networks of MTCNN with the weights that the package ships, on TensorFlow."""

    packages = ("mtcnn", "tensorflow-cpu")

    def __init__(self) -> None:
        self._utils: Any = importlib.import_module("mtcnn.utils.images")
        self._detector = importlib.import_module("mtcnn").MTCNN(device="CPU:0")

    def faces(self, path: str) -> list[Any]:
        found = self._detector.detect_faces(self._utils.load_image(path))
        return [[[float(number) for number in face["box"]], None] for face in found]


class DeepFace:
    """DeepFace with SFace and YuNet: the product's models, whose files it finds in DEEPFACE_HOME."""

    packages = ("deepface", "opencv-contrib-python-headless")

    def __init__(self) -> None:
        self._library: Any = importlib.import_module("deepface.DeepFace")

    def faces(self, path: str) -> list[Any]:
        try:
            found = self._library.represent(path, model_name="SFace", detector_backend="yunet")
        except ValueError:  # how it says that there is no face
            return []
        return [[[face["facial_area"][side] for side in "xywh"], face["embedding"]] for face in found]


PEERS: dict[str, Any] = {
    "face_recognition": FaceRecognition,
    "mediapipe": MediaPipe,
    "mtcnn": Mtcnn,
    "deepface": DeepFace,
}
_loaded: dict[str, Any] = {}


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """The faces of each of `pictures`, found by `peer` with the variables `environment` set, and its versions."""
    name = question["peer"]
    if name not in _loaded:
        os.environ.update(question["environment"])
        _loaded[name] = PEERS[name]()
    peer = _loaded[name]
    return {
        "versions": {package: version(package) for package in peer.packages},
        "pictures": [peer.faces(path) for path in question["pictures"]],
    }
