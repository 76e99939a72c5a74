"""What is learnt: data, model, loss and metrics. Names that need torch live in ``learning``."""

from odeviz.tasks.experiment import (
    DataConfig,
    Experiment,
    FieldConfig,
    SolverConfig,
    TrainingConfig,
)

__all__ = ["DataConfig", "Experiment", "FieldConfig", "SolverConfig", "TrainingConfig"]
