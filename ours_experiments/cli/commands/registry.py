"""The commands: where each is, and the examples that its help shows.

A command's module is imported when the command is called, so that help stays quick.
"""

from collections.abc import Iterable, Mapping

import attrs


@attrs.frozen
class Command:
    """A command before it is imported."""

    name: str
    """The words on the command line."""
    path: str
    """Module below this package, and function."""
    help: str
    """The first line of the function's docstring."""
    examples: tuple[str, ...]
    """What can be typed after `ours-experiments`."""


GROUPS: Mapping[str, str] = {
    "settings": "Settings that experiments share.",
    "variants": "Variants of an experiment.",
    "versions": "What is live, what was, and what is staged.",
}

EXAMPLES = (
    "demo",
    "list --status running",
    "start --status draft --search hero --dry-run",
    "results exp_123 --plot results.png",
)


def example_lines(examples: Iterable[str]) -> str:
    """Lay out examples for a help page."""
    lines = [f"    ours-experiments {example}" for example in examples]
    return "\n".join(["Examples:", *lines])


COMMANDS = (
    Command(
        "demo",
        "local:demo",
        "Create, start, watch and stop experiments against a local emulator.",
        (
            "demo",
            "demo --experiments 1000 --concurrency 32",
            "demo --faults reset:applied=true,probability=0.05",
        ),
    ),
    Command(
        "emulator",
        "local:emulator",
        "Serve a local stand-in for the service until interrupted.",
        (
            "emulator --port 8765 --experiments 40",
            "emulator --faults status:code=503,probability=0.1",
            "emulator --host 0.0.0.0 --allow-remote",
        ),
    ),
    Command(
        "completion",
        "local:completion",
        "Let a shell complete commands and options: print the script, or install it.",
        (
            "completion bash --install",
            "completion zsh > _ours-experiments",
            "completion fish > ours-experiments.fish",
        ),
    ),
    Command(
        "list",
        "experiments:list_experiments",
        "List experiments, most recently updated first.",
        (
            "list --status running --search hero",
            "list --all --format jsonl",
            "list --status draft --format csv --all > drafts.csv",
        ),
    ),
    Command(
        "get",
        "experiments:get",
        "Show one experiment with its variants.",
        ("get exp_123", "get exp_123 --format json > experiment.json"),
    ),
    Command(
        "find",
        "experiments:find",
        "Show the experiment with a key.",
        ("find hero-headline",),
    ),
    Command(
        "create",
        "experiments:create",
        "Create an experiment in state draft.",
        (
            "create 'Hero headline' --primary-event signup",
            "create Hero --key hero --url-pattern '/' '/home*'",
            "create --from experiment.yaml --name 'A copy' --key copy",
        ),
    ),
    Command(
        "update",
        "experiments:update",
        "Change an experiment that is not completed.",
        (
            "update exp_123 --traffic-allocation 50",
            "update exp_123 --primary-event purchase",
            "update exp_123 --clear description",
        ),
    ),
    Command(
        "start",
        "bulk:start",
        "Start drafts.",
        (
            "start exp_123 exp_456",
            "start --status draft --search hero --dry-run",
            "start --from-file ids.txt --publish once --journal j.log",
            "start - < ids.txt",
        ),
    ),
    Command(
        "pause",
        "bulk:pause",
        "Pause running experiments.",
        ("pause exp_123", "pause --status running --search hero --yes"),
    ),
    Command(
        "resume",
        "bulk:resume",
        "Resume paused experiments.",
        ("resume exp_123", "resume --status paused --publish none"),
    ),
    Command(
        "stop",
        "bulk:stop",
        "Complete experiments for good; always publishes.",
        ("stop exp_123 --yes", "stop --winner exp_123=var_1 --winner exp_456=var_7"),
    ),
    Command(
        "delete",
        "bulk:delete",
        "Delete experiments, whatever their state.",
        ("delete exp_123", "delete --from-file ids.txt --yes"),
    ),
    Command(
        "results",
        "results:results",
        "Show what each variant of an experiment has achieved.",
        (
            "results exp_123",
            "results exp_123 --event purchase --csv",
            "results exp_123 --plot results.png",
        ),
    ),
    Command(
        "series",
        "results:series",
        "Show an experiment's conversion rates day by day.",
        (
            "series exp_123",
            "series exp_123 --start-date 2026-08-01 --csv",
            "series exp_123 --plot series.svg --cumulative",
        ),
    ),
    Command(
        "watch",
        "watch:watch",
        "Show an experiment's results, refreshed until interrupted.",
        (
            "watch exp_123",
            "watch exp_1 --until-probability 0.95 --min-impressions 1000",
        ),
    ),
    Command(
        "replays",
        "results:replays",
        "List recorded sessions of visitors who saw an experiment, newest first.",
        ("replays exp_123", "replays exp_123 --variant var_1 --all --format csv"),
    ),
    Command(
        "winner",
        "decisions:winner",
        "Declare the winner of a completed experiment, for reports only.",
        ("winner exp_123 var_1", "winner exp_123 --clear"),
    ),
    Command(
        "rollout",
        "decisions:rollout",
        "Serve a variant of a completed experiment to everybody; publishes.",
        ("rollout exp_123 var_1",),
    ),
    Command(
        "end-rollout",
        "decisions:end_rollout",
        "Serve the original again; publishes.",
        ("end-rollout exp_123",),
    ),
    Command(
        "variants list",
        "variants:list_variants",
        "List the variants of an experiment.",
        ("variants list exp_123",),
    ),
    Command(
        "variants get", "variants:get", "Show one variant.", ("variants get var_1",)
    ),
    Command(
        "variants create",
        "variants:create",
        "Give a draft one more variant.",
        (
            "variants create exp_1 Short --weight 50 --redirect-url /b",
            "variants create exp_1 Bold --weight 50 --from bold.json",
        ),
    ),
    Command(
        "variants update",
        "variants:update",
        "Change a variant of a draft.",
        ("variants update var_1 --weight 30",),
    ),
    Command(
        "variants delete",
        "variants:delete",
        "Delete a variant of a draft.",
        ("variants delete var_1 --yes",),
    ),
    Command(
        "settings list",
        "settings:list_settings",
        "List all settings of the account.",
        ("settings list",),
    ),
    Command(
        "settings get",
        "settings:get",
        "Show one settings record.",
        ("settings get set_1",),
    ),
    Command(
        "settings create",
        "settings:create",
        "Create settings.",
        ("settings create Shop --domain shop.example www.shop.example",),
    ),
    Command(
        "settings update",
        "settings:update",
        "Change settings.",
        ("settings update set_1 --name Shop", "settings update set_1 --clear domain"),
    ),
    Command(
        "settings delete",
        "settings:delete",
        "Delete settings with every experiment and variant that belongs to them.",
        ("settings delete set_1",),
    ),
    Command(
        "versions list",
        "versions:list_versions",
        "List versions, newest first.",
        ("versions list", "versions list --published"),
    ),
    Command(
        "versions get",
        "versions:get",
        "Show one version.",
        ("versions get ver_1",),
    ),
    Command(
        "versions changes",
        "versions:changes",
        "Show what a publish would ship.",
        ("versions changes",),
    ),
    Command(
        "versions publish",
        "versions:publish",
        "Make what is staged live as a new version.",
        (
            "versions publish --name 'Week 32'",
            "versions publish --experiment exp_123 exp_456",
        ),
    ),
    Command(
        "versions update",
        "versions:update",
        "Rename a version or change its notes.",
        (
            "versions update ver_1 --name 'Week 32'",
            "versions update ver_1 --clear notes",
        ),
    ),
    Command(
        "versions republish",
        "versions:republish",
        "Make an earlier version live again.",
        ("versions republish ver_1",),
    ),
)
