"""The models that tiers and agents name."""

from collections.abc import Mapping, Sequence

from neo.llm.errors import ModelMisnamed, ModelUnknown, ProviderNotConfigured
from neo.llm.model_list.entry import ModelEntry, entry_of
from neo.llm.model_list.near import near
from neo.llm.model_list.offered import OfferedModel, offered
from neo.llm.providers import ModelSpec, ProviderSettings, Tier


class ModelList:
    def __init__(
        self,
        tiers: Mapping[Tier, ModelEntry],
        providers: ProviderSettings,
        listed: Mapping[str, ModelEntry] | None = None,
    ) -> None:
        """Without `listed`, agents may name any model of a provider that is set up."""
        self._tiers = tiers
        self._providers = providers
        self._is_closed = listed is not None
        self._known = {entry.name: entry for entry in tiers.values()} | dict(listed or {})

    @property
    def entries(self) -> Sequence[ModelEntry]:
        return tuple(self._known.values())

    def of_tier(self, tier: Tier) -> ModelEntry:
        return self._tiers[tier]

    def find(self, name: str) -> ModelEntry:
        """Raises `ModelUnknown`, or, where there is no list, `ModelMisnamed` or `ProviderNotConfigured`."""
        known = self._known.get(name.strip())
        if known is not None:
            return known
        if self._is_closed:
            raise self._unknown(name)
        return entry_of(ModelSpec.parse(name), self._providers)

    def checked(self, name: str) -> str:
        """The name as it is kept. Raises `ModelMisnamed` or `ModelUnknown`, which says the known ones."""
        try:
            return self.find(name).name
        except ProviderNotConfigured as failure:
            # Which variable is missing is for the operator to know.
            raise self._unknown(name) from failure

    def is_known(self, name: str) -> bool:
        try:
            self.find(name)
        except (ModelUnknown, ModelMisnamed, ProviderNotConfigured):
            return False
        return True

    def offered(self) -> list[OfferedModel]:
        return [offered(entry, self._tiers_of(entry), self._providers) for entry in self.entries]

    def _tiers_of(self, entry: ModelEntry) -> list[Tier]:
        return [tier for tier, chosen in self._tiers.items() if chosen.name == entry.name]

    def _unknown(self, name: str) -> ModelUnknown:
        known = sorted(self._known)
        return ModelUnknown(
            f"This server has no model of that name.{near(name, known)} It has: {', '.join(known)}.",
            details={"fields": {"model": "is not a model of this server"}, "models": known},
        )
