"""Augmentation: each function against an independent account of what it may do; dtype, determinism, no mutation."""

from functools import partial

import numpy as np
import pytest
from scipy import ndimage

import graphad as ga
from graphad.errors import ArgumentError, DTypeError, ShapeError
from graphad.train import augment

CHANGES = {
    "flip": augment.flip,
    "vertical": partial(augment.flip, axis="vertical"),
    "crop": partial(augment.random_crop, padding=2),
    "shift": augment.shift,
    "rotate": augment.rotate,
    "brightness": augment.brightness,
    "contrast": augment.contrast,
}
CHANGES["all"] = augment.compose(*CHANGES.values())
SHAPES = [(40, 7, 5), (40, 3, 7, 5)]


def rng(seed=0):
    return np.random.default_rng(seed)


def pictures(shape=(40, 3, 7, 5), dtype="float64"):
    values = rng(9).random(shape)
    return (values * 200).astype(dtype) if np.dtype(dtype).kind in "iu" else values.astype(dtype)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "uint8", "int64", ">f4"])
@pytest.mark.parametrize("name", CHANGES)
def test_dtype_shape_seed_and_input(name, dtype, shape):
    images = pictures(shape, dtype)
    images.setflags(write=False)
    before = images.copy()
    got, again, other = (CHANGES[name](rng(s), images) for s in (0, 0, 1))
    assert (got.dtype, got.shape) == (images.dtype, shape)
    assert not np.shares_memory(got, images)
    np.testing.assert_array_equal(got, again)
    assert (got != other).any()
    np.testing.assert_array_equal(images, before)


@pytest.mark.parametrize("name", CHANGES)
def test_gray_images_are_images_of_one_channel(name):
    images = pictures((6, 7, 5))
    np.testing.assert_allclose(CHANGES[name](rng(), images), CHANGES[name](rng(), images[:, None])[:, 0], rtol=1e-14)


@pytest.mark.parametrize("name", CHANGES)
def test_no_images_are_no_images(name):
    assert CHANGES[name](rng(), np.zeros((0, 3, 7, 5))).shape == (0, 3, 7, 5)


@pytest.mark.parametrize(("axis", "where"), [("horizontal", -1), ("vertical", -2)])
def test_flip(axis, where):
    images = pictures((4000, 1, 3, 4))
    got = augment.flip(rng(), images, p=0.3, axis=axis)
    turned = (got != images).any(axis=(1, 2, 3))
    np.testing.assert_array_equal(got[turned], np.flip(images[turned], where))
    assert abs(turned.mean() - 0.3) < 5 * np.sqrt(0.21 / 4000)
    np.testing.assert_array_equal(augment.flip(rng(), images, p=1, axis=axis), np.flip(images, where))
    np.testing.assert_array_equal(augment.flip(rng(), images, p=0, axis=axis), images)


def test_random_crop_takes_every_window_equally_often():
    image = pictures((1, 2, 3, 4))
    padded = np.pad(image[0], [(0, 0), (1, 1), (1, 1)], constant_values=0.5)
    got = augment.random_crop(rng(), np.repeat(image, 6000, 0), padding=1, size=(3, 2), fill=0.5)
    assert got.shape == (6000, 2, 3, 2)
    windows = [padded[:, i : i + 3, j : j + 2] for i in range(3) for j in range(5)]
    counts = np.array([(got == w).all(axis=(1, 2, 3)).sum() for w in windows])
    assert counts.sum() == 6000
    assert abs(counts - 400).max() < 5 * np.sqrt(6000 / 15 * 14 / 15)


def test_crop_of_the_whole_changes_nothing():
    images = pictures()
    np.testing.assert_array_equal(augment.random_crop(rng(), images, padding=0), images)
    assert augment.random_crop(rng(), images, padding=0, size=3).shape == (40, 3, 3, 3)


def test_shift_is_one_of_the_moves():
    images = pictures((500, 6, 5))
    got = augment.shift(rng(), images, pixels=1, fill=7)
    seen = set()
    for image, moved in zip(images, got, strict=True):
        found = []
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                if (moved == ndimage.shift(image, (down, right), order=0, cval=7)).all():
                    found.append((down, right))
        assert len(found) == 1
        seen.update(found)
    assert len(seen) == 9


def test_rotation_is_that_of_scipy():
    images = pictures((30, 2, 9, 6))
    got = augment.rotate(rng(3), images, degrees=60, fill=0.25)
    angles = np.deg2rad(rng(3).uniform(-60, 60, 30))
    middle = (np.array([9, 6]) - 1) / 2
    for image, turned, angle in zip(images, got, angles, strict=True):
        R = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        for channel, other in zip(image, turned, strict=True):
            expected = ndimage.affine_transform(
                channel, R, middle - R @ middle, order=1, mode="grid-constant", cval=0.25
            )
            np.testing.assert_allclose(other, expected, atol=1e-12)


def test_rotation_by_no_angle_changes_nothing():
    for images in (pictures(), pictures(dtype="uint8"), pictures((3, 1, 1))):
        np.testing.assert_array_equal(augment.rotate(rng(), images, degrees=0), images)


def test_brightness_is_a_factor_for_each_image():
    images = pictures((3000, 2, 2, 2)) + 0.1
    factors = augment.brightness(rng(), images, amount=0.3) / images
    np.testing.assert_allclose(np.ptp(factors, axis=(1, 2, 3)), 0, atol=1e-12)
    factors = factors[:, 0, 0, 0]
    assert 0.7 <= factors.min() < 0.701
    assert 1.299 < factors.max() <= 1.3
    assert abs(factors.mean() - 1) < 5 * 0.6 / np.sqrt(12 * 3000)
    assert augment.brightness(rng(), images, amount=5).min() >= 0


def test_contrast_keeps_the_mean():
    images = pictures((3000, 2, 3, 3))
    got = augment.contrast(rng(), images, amount=0.3)
    axes = (1, 2, 3)
    np.testing.assert_allclose(got.mean(axes), images.mean(axes), rtol=1e-12)
    factors = got.std(axes) / images.std(axes)
    assert 0.7 <= factors.min() < 0.701
    assert 1.299 < factors.max() <= 1.3
    mean = images.mean(axes, keepdims=True)
    np.testing.assert_allclose(got - mean, factors[:, None, None, None] * (images - mean), atol=1e-12)


def test_integers_are_rounded_and_held():
    images = np.array([[[0, 100, 255]]] * 200, "uint8")
    factors = rng().uniform(0.5, 1.5, 200)
    got = augment.brightness(rng(), images, amount=0.5)
    np.testing.assert_array_equal(got[:, 0, 1], np.rint(100 * factors))
    np.testing.assert_array_equal(got[:, 0, 2], np.minimum(np.rint(255 * factors), 255))
    largest = np.full((20, 1, 1), np.iinfo("int64").max)
    assert augment.brightness(rng(), largest).min() > 0


@pytest.mark.parametrize("change", [augment.brightness, augment.contrast])
def test_limits(change):
    got = change(rng(), pictures(), amount=0.9, limits=(0.0, 1.0))
    assert got.min() >= 0
    assert got.max() == 1


def test_compose_is_in_order():
    images = pictures()
    change = augment.compose(lambda rng, x: x + 1, lambda rng, x: x * 2)
    np.testing.assert_array_equal(change(rng(), images), (images + 1) * 2)
    nothing = augment.compose()(rng(), images)
    np.testing.assert_array_equal(nothing, images)
    assert nothing is not images


IMAGES = np.zeros((2, 4, 4), "uint8")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: augment.flip(0, IMAGES), ArgumentError, "flip: rng must be a NumPy Generator, not int"),
        (lambda: augment.flip(rng(), IMAGES, p=2), ArgumentError, "flip: p must lie between 0 and 1"),
        (lambda: augment.flip(rng(), IMAGES, axis=1), ArgumentError, "axis must be 'horizontal' or 'vertical'"),
        (lambda: augment.shift(rng(), IMAGES[0]), ShapeError, r"shift: images must be .*, not \[4, 4\]"),
        (lambda: augment.contrast(rng(), IMAGES[:, :0]), ShapeError, "contrast: images must be"),
        (lambda: augment.shift(rng(), IMAGES > 0), DTypeError, "must have a real dtype, not bool"),
        (lambda: augment.shift(rng(), IMAGES, pixels=-1), ArgumentError, "pixels must not be negative"),
        (lambda: augment.shift(rng(), IMAGES, pixels=1.5), ArgumentError, "pixels must be an int"),
        (lambda: augment.random_crop(rng(), IMAGES, padding=1, size=7), ShapeError, "larger than the padded images"),
        (lambda: augment.random_crop(rng(), IMAGES, fill=300), ArgumentError, "uint8 cannot hold the fill 300"),
        (lambda: augment.rotate(rng(), IMAGES, fill=0.5), ArgumentError, "cannot hold the fill 0.5"),
        (lambda: augment.rotate(rng(), IMAGES, degrees=-1), ArgumentError, "degrees must be at least 0"),
        (lambda: augment.brightness(rng(), IMAGES, amount="much"), ArgumentError, "must be a number, not str"),
        (lambda: augment.contrast(rng(), IMAGES, limits=(1, 0)), ArgumentError, "limits must be"),
        (lambda: augment.compose(augment.flip, 3), ArgumentError, "compose: argument 1 is a int, not a function"),
    ],
)
def test_wrong_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_it_is_public():
    assert ga.train.augment is augment
    assert "zca_whitening" in dir(ga.train)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = ga.train.nothing
