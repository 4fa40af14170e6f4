"""Three tables of scikit-learn: wines are told apart, tumors too, and the course of diabetes is foretold.

Each is standardized by what is known of its training part (four fifths). Measured on the test parts:

    wine (178 rows, 13 columns, 3 kinds)             100 percent right, one hidden layer of 32 units
    breast cancer (569 rows, 30 columns, 2 kinds)    98.2 percent right, the same with dropout and a penalty on weights
    diabetes (442 rows, 10 columns, a number)        R² 0.33, as of ordinary least squares

Early stopping ends the training for diabetes. A network is no better than a straight line there: the rows are few, and
what the columns do not say is much.

Run: python examples/tabular.py
"""

from functools import partial
from pathlib import Path

from common import BLACK, BLUE, FIGURES, ORANGE, Array, Split, figure, save, split
from sklearn import datasets
from sklearn.linear_model import LinearRegression

import graphad as ga


def standardized(x: Array, y: Array, classes: bool = True) -> Split:
    """Columns of the training part have mean 0 and variance 1; those of the test part are changed in the same way."""
    x_train, y_train, x_test, y_test = split(x, y, classes=classes)
    mean, std = x_train.mean(axis=0), x_train.std(axis=0)
    return (x_train - mean) / std, y_train, (x_test - mean) / std, y_test


def wine(epochs: int) -> tuple[float, ga.train.Fit]:
    """Three kinds, integer labels, cross entropy."""
    x_train, y_train, x_test, y_test = standardized(*datasets.load_wine(return_X_y=True))
    model = ga.nn.Sequential(ga.nn.Linear(13, 32), ga.nn.relu, ga.nn.Linear(32, 3))
    fit = ga.train.fit(
        model, ga.nn.cross_entropy, ga.optim.adam(lr=0.01), (x_train, y_train), epochs=epochs, progress=False
    )
    return ga.train.accuracy(fit.predict(x_test), y_test), fit


def cancer(epochs: int) -> tuple[float, ga.train.Fit]:
    """Two kinds, one score, binary cross entropy."""
    x_train, y_train, x_test, y_test = standardized(*datasets.load_breast_cancer(return_X_y=True))
    model = ga.nn.Sequential(ga.nn.Linear(30, 32), ga.nn.relu, ga.nn.Dropout(0.3), ga.nn.Linear(32, 1), ga.ravel)
    loss = ga.nn.binary_cross_entropy_with_logits
    fit = ga.train.fit(
        model,
        loss,
        ga.optim.adam(lr=0.005),
        (x_train, y_train.astype(float)),
        epochs=epochs,
        regularizer=partial(ga.nn.l2, scale=0.01),
        progress=False,
    )
    return ga.train.accuracy(fit.predict(x_test), y_test), fit


def diabetes(epochs: int) -> tuple[float, float, tuple[Array, Array]]:
    """A number: R² of the network, R² of least squares, and what was and what was foretold."""
    x_train, y_train, x_test, y_test = standardized(*datasets.load_diabetes(return_X_y=True), classes=False)
    mean, std = y_train.mean(), y_train.std()
    model = ga.nn.Sequential(ga.nn.Linear(10, 16), ga.tanh, ga.nn.Dropout(0.3), ga.nn.Linear(16, 1), ga.ravel)
    fit = ga.train.fit(
        model,
        ga.nn.mse_loss,
        ga.optim.adam(lr=0.003),
        (x_train, (y_train - mean) / std),
        epochs=epochs,
        validation=0.2,
        early_stopping=ga.train.EarlyStopping(patience=20),
        regularizer=partial(ga.nn.l2, scale=0.02),
        progress=False,
    )
    said = fit.predict(x_test) * std + mean
    straight = LinearRegression().fit(x_train, y_train).score(x_test, y_test)
    return ga.train.r2_score(said, y_test), float(straight), (y_test, said)


def draw(fits: dict[str, ga.train.Fit], foretold: tuple[Array, Array], r2: float, out: Path) -> None:
    """The losses of the two classifiers, and what was foretold of diabetes."""
    fig, (left, right) = figure(1, 2, size=(10, 4))
    for (name, fit), color, line in zip(fits.items(), (BLUE, ORANGE), ("-", "--"), strict=True):
        left.semilogy(fit.history.column("epoch"), fit.history.column("loss"), color=color, ls=line, label=name)
    left.set(xlabel="epoch", ylabel="training loss", title="Wine and breast cancer")
    left.legend(frameon=False)
    left.grid(alpha=0.3)
    was, said = foretold
    right.scatter(was, said, color=BLUE, s=18, alpha=0.7)
    ends = [was.min(), was.max()]
    right.plot(ends, ends, color=BLACK, ls="--", lw=1, label="as it was")
    right.set(
        xlabel="progress of the disease after a year", ylabel="foretold", title=f"Diabetes, test part: R² {r2:.2f}"
    )
    right.legend(frameon=False)
    save(fig, out, "tabular")


def main(out: Path = FIGURES, epochs: int = 60) -> dict[str, float]:
    """Accuracies of the classifiers, R² of both regressions."""
    wines, wine_fit = wine(epochs)
    tumors, cancer_fit = cancer(epochs)
    course, straight, foretold = diabetes(5 * epochs)
    print(f"wine          {wines:.1%} right")
    print(f"breast cancer {tumors:.1%} right")
    print(f"diabetes      R² {course:.3f}, least squares {straight:.3f}")
    draw({"wine": wine_fit, "breast cancer": cancer_fit}, foretold, course, out)
    return {"wine": wines, "cancer": tumors, "diabetes": course, "least squares": straight}


if __name__ == "__main__":
    found = main()
    assert found["wine"] >= 0.95
    assert found["cancer"] >= 0.95
    assert found["diabetes"] >= 0.3
