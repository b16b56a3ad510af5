"""What gdb says of a struct: run by gdb, with TYPE and ADDRESS in the environment.

A line for each member without parts: its path, the byte and the bit where it begins, and its value. Characters are
one text up to their NUL.
"""

import os

import gdb


def leaves(path, value, offset):
    kind = value.type.strip_typedefs()
    if kind.code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
        for field in kind.fields():
            if not hasattr(field, "bitpos"):
                continue  # a static member
            if not field.name:
                inner = path  # an anonymous member's parts stand in its parent
            elif field.is_base_class:
                inner = path + [field.name.rsplit("::", 1)[-1]]
            else:
                inner = path + [field.name]
            part = value[field]
            if field.bitsize:
                yield inner, offset * 8 + field.bitpos, int(part)
            else:
                yield from leaves(inner, part, offset + field.bitpos // 8)
    elif kind.code == gdb.TYPE_CODE_ARRAY:
        first, last = kind.range()
        element = kind.target()
        plain = element.strip_typedefs().unqualified()
        names = {str(plain)} | {str(element.unqualified())}
        if names & {"char", "wchar_t", "char16_t", "char32_t"}:
            units = [int(value[index]) for index in range(first, last + 1)]
            if 0 in units:
                units = units[: units.index(0)]
            yield path, offset * 8, "".join(map(chr, units))
            return
        for index in range(first, last + 1):
            inner = path[:-1] + ["%s[%d]" % (path[-1], index - first)]
            yield from leaves(inner, value[index], offset + (index - first) * element.sizeof)
    elif kind.code == gdb.TYPE_CODE_FLT:
        yield path, offset * 8, float(value)
    elif kind.code == gdb.TYPE_CODE_COMPLEX:
        for index, part in enumerate(value.format_string().replace("i", "").split(" + ")):
            yield path[:-1] + ["%s[%d]" % (path[-1], index)], (offset + index * kind.sizeof // 2) * 8, float(part)
    elif kind.code in (gdb.TYPE_CODE_PTR, gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF):
        word = gdb.lookup_type("unsigned long")
        yield path, offset * 8, int(value.address.cast(word) if kind.code != gdb.TYPE_CODE_PTR else value.cast(word))
    elif kind.code in (gdb.TYPE_CODE_MEMBERPTR, gdb.TYPE_CODE_METHODPTR):
        return
    else:
        yield path, offset * 8, int(value)


def main():
    kind = gdb.lookup_type(os.environ["TYPE"])
    value = gdb.Value(int(os.environ["ADDRESS"], 0)).cast(kind.pointer()).dereference()
    print("size %d" % kind.sizeof)
    for path, bit, said in leaves([], value, 0):
        print("leaf\t%s\t%d\t%s" % (".".join(path), bit, repr(said)))


main()
