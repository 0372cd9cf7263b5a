"""The options of the models, as a configuration names them, each with its default and its limits."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from clfnews.config.loading import Section

LARGEST = 1_000_000_000
"""No number of a configuration has a reason to be larger; much larger ones are errors of the libraries below."""
Positive = Annotated[int, Field(gt=0, le=LARGEST)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


def _in_order(lengths: tuple[int, int]) -> tuple[int, int]:
    if lengths[0] > lengths[1]:
        raise ValueError("the shortest n-gram comes first, then the longest, such as [1, 2]")
    return lengths


NGrams = Annotated[tuple[Positive, Positive], AfterValidator(_in_order)]


class RulesOptions(Section):
    """The type rule has nothing to set."""


class LexiconOptions(Section):
    """The stance rule has nothing to set."""


class FastTextOptions(Section):
    """`models.fasttext.FastText`."""

    dim: Positive = 32
    epoch: Positive = 20
    lr: Annotated[float, Field(gt=0, le=LARGEST)] = 0.4
    word_ngrams: Positive = 2
    minn: Annotated[int, Field(ge=0, le=LARGEST)] = 0
    maxn: Annotated[int, Field(ge=0, le=LARGEST)] = 0
    min_count: Positive = 1
    bucket: Positive = 100_000
    balance: bool = False
    pretrained_vectors: str | None = None
    autotune_seconds: Annotated[int, Field(ge=0, le=LARGEST)] = 0
    quantize: bool = False


class LinearOptions(Section):
    """`models.linear.Linear`."""

    C: Annotated[float, Field(gt=0, le=LARGEST)] = 4.0
    word_ngrams: NGrams = (1, 2)
    char_ngrams: NGrams | None = None
    min_df: Positive = 2
    class_weight: Literal["balanced"] | None = "balanced"


class PageOptions(Section):
    """`models.page_model.PageModel`."""

    hidden: Positive = 64
    nets: Positive = 2
    epochs: Positive = 3
    trees: Positive = 80
    forest: Annotated[float, Field(ge=0, lt=1)] = 0.5
    rows: Positive = 150_000
    again: Annotated[int, Field(ge=0, le=LARGEST)] = 150_000
    copies: Annotated[int, Field(ge=0, le=LARGEST)] = 1
    abstain: Share = 0.4
    chain: Annotated[float, Field(ge=0, le=LARGEST)] = 0.3
    boxes: bool = True
    text_scorer: bool = True


class CuesOptions(Section):
    """`models.cues.StanceCues`."""

    C: Annotated[float, Field(gt=0, le=LARGEST)] = 4.0
    ngrams: Positive = 3
    min_df: Positive = 2
    mask: bool = True
    cues: bool = True
    events: bool = True
    offtopic_weight: Annotated[float, Field(ge=0, le=LARGEST)] = 0.1
    neutral_weight: Annotated[float, Field(gt=0, le=LARGEST)] = 1.5


class EncoderOptions(Section):
    """`models.encoder.Encoder`."""

    path: str | None = None
    prefix: str = "query: "
    cache: str | None = None
    C: Annotated[float, Field(gt=0, le=LARGEST)] = 0.003
    weight: Share | None = None
    unsure: Share | None = None


class TypeModels(Section):
    """Models of the type task; `null` leaves one out."""

    rules: RulesOptions | None = RulesOptions()
    fasttext: FastTextOptions | None = FastTextOptions(dim=16, epoch=5)
    linear: LinearOptions | None = LinearOptions(min_df=8)
    page: PageOptions | None = PageOptions()

    @field_validator("*", mode="before")
    @classmethod
    def _over_own_defaults(cls, value: Any, info: ValidationInfo) -> Any:
        """An option that is not named has the default of this task, as base.yaml shows it."""
        default = cls.model_fields[info.field_name or ""].default
        return default.model_dump() | value if isinstance(value, dict) and isinstance(default, Section) else value


class OwnModels(Section):
    """Models of any labels; `null` leaves one out."""

    fasttext: FastTextOptions | None = FastTextOptions()
    linear: LinearOptions | None = LinearOptions()
    encoder: EncoderOptions | None = None


class StanceModels(Section):
    """Models of the stance task; `null` leaves one out."""

    lexicon: LexiconOptions | None = LexiconOptions()
    fasttext: FastTextOptions | None = FastTextOptions()
    linear: LinearOptions | None = LinearOptions()
    cues: CuesOptions | None = CuesOptions()
    encoder: EncoderOptions | None = None
