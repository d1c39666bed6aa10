"""What is said of settings that cannot be used."""


class SettingsProblem(ValueError):
    """Settings that cannot be used: ``problems`` has one sentence each, naming the variable and no secret."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
