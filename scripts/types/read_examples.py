"""Reads every example with the generated model of its definition, and sees wrong ones refused."""

import json
import sys

import orderly
from pydantic import RootModel, ValidationError

UNIONS = {"Command": "Command", "Line": "CommandLine", "Event": "Event", "Notification": "NotificationMessage"}


def fields(value):
    """The names of all fields, whatever their values."""
    if isinstance(value, dict):
        return {name: fields(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [fields(inner) for inner in value]
    return None


def read(definition, value):
    model = getattr(orderly, definition).model_validate(value)
    kept = model.model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert fields(kept) == fields(value), f"{definition} loses a field of {value}"
    return model


def must_be_refused(definition, value):
    try:
        read(definition, value)
    except ValidationError:
        return
    raise AssertionError(f"{definition} accepts {value}")


def check_recipe(schema, paid):
    """What docs/messages.md says of reading an event: by its type, with one problem for one field, and without unknown types."""
    with open(schema, encoding="utf-8") as document:
        events = json.load(document)["events"]
    models = {kind: getattr(orderly, data["$ref"].rsplit("/", 1)[-1] + "Event") for kind, data in events.items()}
    assert type(models[paid["type"]].model_validate_json(json.dumps(paid))).__name__ == "OrderPaidEvent"
    assert models.get("order.teleported") is None
    without = paid | {"data": {name: inner for name, inner in paid["data"].items() if name != "order_id"}}
    try:
        models[paid["type"]].model_validate_json(json.dumps(without))
    except ValidationError as error:
        assert error.error_count() == 1, error
    else:
        raise AssertionError("a field is missing")


def main():
    schema, examples = sys.argv[1:]
    with open(schema, encoding="utf-8") as document:
        definitions = json.load(document)["$defs"]
    missing = [name for name in definitions if not isinstance(getattr(orderly, name, None), type)]
    assert not missing, f"there are no classes {missing}"
    with open(examples, encoding="utf-8") as lines:
        examples = [json.loads(line) for line in lines]
    first = {}
    for example in examples:
        definition, value = example["definition"], example["value"]
        first.setdefault(definition, value)
        read(definition, value)
        # the union finds the type by its name
        union = next((union for end, union in UNIONS.items() if definition.endswith(end)), None)
        if union:
            found = read(union, value)
            while isinstance(found, RootModel):
                found = found.root
            assert type(found).__name__ == definition, f"{union} takes {definition} for {type(found).__name__}"
    paid = first["OrderPaidEvent"]
    check_recipe(schema, paid)
    without = {name: inner for name, inner in paid["data"].items() if name != "order_id"}
    must_be_refused("OrderPaidEvent", paid | {"type": "order.payed"})
    must_be_refused("OrderPaidEvent", paid | {"data": paid["data"] | {"status": "payed"}})
    must_be_refused("OrderPaidEvent", paid | {"data": without})
    must_be_refused("Event", paid | {"type": "order.payed"})
    must_be_refused("Verdict", first["Verdict"] | {"verdict": "accepted"})
    must_be_refused("StockSetLine", first["StockSetLine"] | {"data": {"sku": "tea", "on_hand": -1}})
    assert orderly.OrderStatus("paid") is orderly.OrderStatus.paid
    print(f"{len(examples)} examples of {len(first)} of {len(definitions)} definitions are read")


main()
