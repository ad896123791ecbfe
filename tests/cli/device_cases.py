"""Devices that aren't there, aren't meant, or are refused."""
import json
import shutil

from harness import case, cases

WRONG = {
    "device_of_no_backend": ("acme", ["'acme'", "cpu"]),
    "device_of_no_backend_numbered": ("acme:0", ["'acme'", "cpu"]),
    "device_beyond_the_last": ("cpu:99", ["'cpu:99'", "cpu:0"]),
    "device_number_overflows": ("cpu:99999999999999999999", ["'cpu:99999999999999999999'"]),
    "device_number_negative": ("cpu:-1", ["'cpu:-1'"]),
    "device_number_and_more": ("cpu:0x", ["'cpu:0x'"]),
    "device_empty": ("", ["''"]),
    "device_unknown_form": ("name=cpu", ["'name=cpu'", "uuid="]),
    "device_unknown_uuid": ("uuid=00000000", ["'uuid=00000000'", "cpu:0"]),
    "device_unknown_pci": ("pci=0000:99:00.0", ["'pci=0000:99:00.0'", "cpu:0"]),
}


def refused_by_all(setup, selector, mentions):
    kernel = setup.write("k.k", '#include "sampan_kernel.h"\n')
    setup.refused("run", "--device", selector, mentions=mentions)
    setup.refused("run", "--device", "cpu", "--migrate", selector + "@4", mentions=mentions)
    setup.refused("check", "--device", selector, mentions=mentions)
    setup.refused("compile", kernel, "--device", selector, mentions=mentions)
    setup.refused("devices", env={"SAMPAN_DEVICES": selector or "acme"},
                  mentions=mentions if selector else ["acme"])


cases({name: lambda setup, row=row: refused_by_all(setup, *row) for name, row in WRONG.items()})


def offer_mocks(setup, names):
    """Copies of the mock backend, private: the loader refuses what others may write."""
    folder = setup.folder / "plugins"
    folder.mkdir(mode=0o700)
    for name in names:
        shutil.copyfile(setup.mock, folder / f"{name}.so")
        manifest = folder / f"{name}.json"
        manifest.write_text(json.dumps({
            "name": name, "path": f"{name}.so",
            "abi": {"major": 1, "minor_min": 0, "minor_max": 1}}))
        for file in (manifest, folder / f"{name}.so"):
            file.chmod(0o600)
    setup.environment["SAMPAN_PLUGIN_PATH"] = str(folder)


@case
def device_ambiguous(setup):
    # Two backends over the same hardware: its UUID means either.
    offer_mocks(setup, ["mock", "other"])
    devices = json.loads(setup.works("devices", "--json").out)["devices"]
    mock = next(device for device in devices if device["device"] == "mock:0")
    assert mock["also"] == ["other:0"], mock
    kind, value = mock["identity"].split(":", 1)
    setup.refused("run", "--device", f"{kind}={value}", mentions=["mock:0", "other:0", "name one"])


@case
def device_hidden(setup):
    offer_mocks(setup, ["mock"])
    setup.refused("run", "--device", "cpu", env={"SAMPAN_DEVICES": "mock:0"},
                  mentions=["SAMPAN_DEVICES", "'cpu'", "mock:0"])


REFUSED_SETTINGS = {
    "cpu_devices_garbage": ("SAMPAN_CPU_DEVICES", "garbage"),
    "cpu_devices_beyond_the_machine": ("SAMPAN_CPU_DEVICES", "0-99999999"),
    "cpu_isa_unknown": ("SAMPAN_CPU_ISA", "v9"),
    "cpu_memory_no_number": ("SAMPAN_CPU_MEMORY_MB", "much"),
}


def refused_setting(setup, name, value):
    """A backend with a wrong setting is refused; the reason is shown wherever it is asked for."""
    env = {name: value}
    backends = json.loads(setup.works("devices", "--json", env=env).out)["backends"]
    cpu = next(backend for backend in backends if backend["backend"] == "cpu")
    assert cpu["status"] == "refused" and name in cpu["reason"], cpu
    for selector in ("cpu", "cpu:0"):
        setup.refused("run", "--device", selector, mentions=["cpu", "refused", name], env=env)


cases({name: lambda setup, row=row: refused_setting(setup, *row)
       for name, row in REFUSED_SETTINGS.items()})


@case
def device_without_memory(setup):
    setup.refused("run", "--tokens", "4", "--device", "cpu", env={"SAMPAN_CPU_MEMORY_MB": "1"},
                  mentions=["cpu:0", "bytes", "limit"])


@case
def provider_unknown(setup):
    setup.refused("run", "--tokens", "4", env={"SAMPAN_OPS_PROVIDER": "acme"},
                  mentions=["SAMPAN_OPS_PROVIDER", "'acme'", "portable"])
