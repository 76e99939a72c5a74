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
    nothing_of_jumps: ClassVar[str] = (
        "This model's ODE is solved from event to event, where its states jump. Error against NFE is measured for "
        "flows without jumps only: of this one the solver bar tells both, for the setting on show."
    )
    spares: ClassVar[tuple[int, int]] = (1, 0)
