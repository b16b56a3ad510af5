# coreinspect inside @DEBUGGER@, printed by `coreinspect plugin @DEBUGGER@` of coreinspect @VERSION@.
# To load it: @HOW@
SOURCES = @SOURCES@
VERBS = @VERBS@
INSTALLED_BY = @INSTALLED_BY@


def load_coreinspect(*arguments):
    """Makes the package coreinspect_plugin of SOURCES; its names are its own, and in nobody's way."""
    import json
    import sys
    import types

    name = "coreinspect_plugin"
    before = sys.modules.get(name)
    if before is not None:
        before.unload()
    for module, source in SOURCES.items():
        full = name + ("" if module == "__init__" else "." + module)
        made = types.ModuleType(full)
        made.__package__ = name
        if module == "__init__":
            made.__path__ = []
        sys.modules[full] = made
        exec(compile(source, "<" + full + ">", "exec"), made.__dict__)
    package = sys.modules[name]
    front = sys.modules[name + ".in_@DEBUGGER@"]
    package.unload = front.load(json.loads(VERBS), INSTALLED_BY, before is not None, *arguments)


@START@
