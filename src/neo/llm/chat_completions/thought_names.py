"""The thoughts of an answer, which servers send under several names: one name may repeat another or follow it."""


class ThoughtNames:
    def __init__(self) -> None:
        self.name: str | None = None
        """The one that was told last."""
        self._told: list[str] = []
        self._repeated: dict[str, int] = {}

    def unheard(self, name: str, text: str) -> str:
        """What was not told under another name."""
        if self.name is None or name == self.name:
            self.name = name
            self._told.append(text)
            return text
        told = "".join(self._told)
        self._told = [told]
        begun = self._repeated.get(name, 0)
        if told.startswith(text, begun):
            self._repeated[name] = begun + len(text)
            return ""
        return self._told_by(name, told, told[:begun] + text)

    def _told_by(self, name: str, told: str, text: str) -> str:
        """A name that says more than the one before, or something else."""
        goes_on = text.startswith(told)
        self._repeated = {self.name: len(told)} if goes_on and self.name else {}
        self.name, self._told = name, [text]
        return text.removeprefix(told) if goes_on else text
