"""Trainings: splits, models fitted out of fold, sweeps over configurations, likely label errors."""
