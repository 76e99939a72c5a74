"""What accuracy costs on the model on show, measured in the background: its curves fill in as they are found."""

from __future__ import annotations

from typing import ClassVar

from odeviz.panels.view_panel import ViewPanel


class PrecisionPanel(ViewPanel):
    """The views of error, tolerance and evaluations, with a marker that moves with the solver bar."""

    key = "precision"
    title = "Tolerance"
    about = (
        "Error against NFE, tolerance and step size on this model, and where the solver bar's setting stands."
    )
    nothing: ClassVar[str] = "This model solves no ODE: there is no accuracy to choose."
    spares: ClassVar[tuple[int, int]] = (1, 0)
