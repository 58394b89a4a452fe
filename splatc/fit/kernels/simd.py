"""Eight floats at a time for Numba: the vector type ``v8`` and the few operations that the rasterizers need.

LLVM does not vectorize the irregular loops of splatting by itself; with an explicit vector type the same Numba code reaches the
speed of C++ intrinsics on any machine that LLVM knows (two SSE registers or one AVX register make a v8). A group of K vectors, one a
colour plane, travels as a tuple of v8, so that the kernels are written once for every number of planes.

The functions below are compiled into their callers; none can be called from Python.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

LANES = 8

_F32 = ir.FloatType()
_I32 = ir.IntType(32)
_VF = ir.VectorType(_F32, LANES)
_VI = ir.VectorType(_I32, LANES)
# Contraction to fused multiply-adds and reassociation, but not the assumption that NaN and infinity never occur.
_FAST = ("contract", "reassoc", "nsz", "arcp")

# Minimax polynomial of 2^f on [-1/2, 1/2], relative error 1e-7.
_EXP2 = (0.00132186725, 0.00967169794, 0.0555089295, 0.24022238, 0.693146856, 1.0)
_MIN_EXPONENT = -126.0  # 2^-126 is the smallest normal float32


class V8Type(types.Type):
    """Numba type of eight float32 lanes."""

    def __init__(self) -> None:
        super().__init__(name="v8f32")


v8 = V8Type()


@register_model(V8Type)
class _V8Model(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Any) -> None:
        super().__init__(dmm, fe_type, _VF)


def _splat(builder: Any, scalar: Any) -> Any:
    undefined = ir.Constant(_VF, ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.Constant(_I32, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(_I32, LANES), [0] * LANES))


def _constant(value: float) -> Any:
    return ir.Constant(_VF, [value] * LANES)


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _VF.as_pointer())


def _fma(builder: Any, a: Any, b: Any, c: Any) -> Any:
    return builder.fadd(builder.fmul(a, b, flags=_FAST), c, flags=_FAST)


def _maximum(builder: Any, a: Any, b: Any) -> Any:
    return builder.select(builder.fcmp_ordered(">", a, b), a, b)


def _exp2(builder: Any, t: Any) -> Any:
    t = _maximum(builder, t, _constant(_MIN_EXPONENT))
    half = builder.select(builder.fcmp_ordered(">=", t, _constant(0.0)), _constant(0.5), _constant(-0.5))
    whole = builder.fptosi(builder.fadd(t, half), _VI)
    fraction = builder.fsub(t, builder.sitofp(whole, _VF))
    power = _constant(_EXP2[0])
    for coefficient in _EXP2[1:]:
        power = _fma(builder, power, fraction, _constant(coefficient))
    exponent = builder.shl(whole, ir.Constant(_VI, [23] * LANES))
    return builder.bitcast(builder.add(builder.bitcast(power, _VI), exponent), _VF)


def _binary(opcode: str) -> Any:
    def typing(_context: Any, a: Any, b: Any) -> Any:
        if not (a is v8 and b is v8):
            return None

        def codegen(_ctx: Any, builder: Any, _signature: Any, args: Any) -> Any:
            return getattr(builder, opcode)(args[0], args[1], flags=_FAST)

        return v8(v8, v8), codegen

    return intrinsic(typing)


add = _binary("fadd")
sub = _binary("fsub")
mul = _binary("fmul")
div = _binary("fdiv")


@intrinsic
def fma(_context: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c, fused where the machine can."""

    def codegen(_ctx: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return _fma(builder, *args)

    return v8(v8, v8, v8), codegen


@intrinsic
def broadcast(_context: Any, x: Any) -> Any:
    """Eight copies of a number."""

    def codegen(ctx: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _splat(builder, ctx.cast(builder, args[0], signature.args[0], types.float32))

    return v8(x), codegen


@intrinsic
def iota(_context: Any) -> Any:
    """0, 1, ... 7."""

    def codegen(_ctx: Any, _builder: Any, _signature: Any, _args: Any) -> Any:
        return ir.Constant(_VF, [float(i) for i in range(LANES)])

    return v8(), codegen


@intrinsic
def exp2(_context: Any, t: Any) -> Any:
    """2^t, relative error 2e-7; exponents below -126 give 2^-126."""

    def codegen(_ctx: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return _exp2(builder, args[0])

    return v8(v8), codegen


@intrinsic
def positive_part(_context: Any, w: Any, cut: Any) -> Any:
    """max(0, w - cut)."""

    def codegen(_ctx: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return _maximum(builder, builder.fsub(args[0], args[1], flags=_FAST), _constant(0.0))

    return v8(v8, v8), codegen


@intrinsic
def where_above(_context: Any, w: Any, cut: Any) -> Any:
    """w where w > cut, else 0."""

    def codegen(_ctx: Any, builder: Any, _signature: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", args[0], args[1]), args[0], _constant(0.0))

    return v8(v8, v8), codegen


@intrinsic
def total(_context: Any, v: Any) -> Any:
    """Sum of the eight lanes, in a fixed order."""

    def codegen(_ctx: Any, builder: Any, _signature: Any, args: Any) -> Any:
        result = builder.extract_element(args[0], ir.Constant(_I32, 0))
        for lane in range(1, LANES):
            result = builder.fadd(result, builder.extract_element(args[0], ir.Constant(_I32, lane)))
        return result

    return types.float32(v8), codegen


@intrinsic
def load(_context: Any, array: Any, index: Any) -> Any:
    """array[index : index + 8] of a flat float32 array; the caller keeps within its bounds."""

    def codegen(ctx: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_pointer(ctx, builder, signature.args[0], args[0], args[1]), align=4)

    return v8(array, types.intp), codegen


@intrinsic
def store(_context: Any, array: Any, index: Any, v: Any) -> Any:
    """array[index : index + 8] = v of a flat float32 array; the caller keeps within its bounds."""

    def codegen(ctx: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[2], _pointer(ctx, builder, signature.args[0], args[0], args[1]), align=4)
        return ctx.get_dummy_value()

    return types.none(array, types.intp, v8), codegen


@intrinsic
def load_samples(_context: Any, array: Any, index: Any) -> Any:
    """array[index : index + 8] of a flat array of unsigned integers, as floats."""
    bits = array.dtype.bitwidth

    def codegen(ctx: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = ctx.make_array(signature.args[0])(ctx, builder, args[0]).data
        pointer = builder.bitcast(builder.gep(data, [args[1]]), ir.VectorType(ir.IntType(bits), LANES).as_pointer())
        return builder.uitofp(builder.load(pointer, align=bits // 8), _VF)

    return v8(array, types.intp), codegen


@intrinsic(prefer_literal=True)
def broadcast_planes(_context: Any, array: Any, index: Any, planes: Any) -> Any:
    """A tuple of ``planes`` vectors: copies of array[index], array[index + 1], ... (``planes`` is a constant)."""
    count = planes.literal_value

    def codegen(ctx: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = ctx.make_array(signature.args[0])(ctx, builder, args[0]).data
        values = []
        for k in range(count):
            at = builder.add(args[1], ir.Constant(args[1].type, k))
            values.append(_splat(builder, builder.load(builder.gep(data, [at]))))
        return cgutils.pack_array(builder, values)

    return types.UniTuple(v8, count)(array, types.intp, planes), codegen


@intrinsic(prefer_literal=True)
def zero_planes(_context: Any, planes: Any) -> Any:
    """A tuple of ``planes`` zero vectors."""
    count = planes.literal_value

    def codegen(_ctx: Any, builder: Any, _signature: Any, _args: Any) -> Any:
        return cgutils.pack_array(builder, [_constant(0.0)] * count)

    return types.UniTuple(v8, count)(planes), codegen


@intrinsic
def load_planes(_context: Any, array: Any, index: Any, stride: Any, like: Any) -> Any:
    """As many vectors as ``like`` has, ``stride`` floats apart."""

    def codegen(ctx: Any, builder: Any, signature: Any, args: Any) -> Any:
        values, at = [], args[1]
        for _ in range(like.count):
            values.append(builder.load(_pointer(ctx, builder, signature.args[0], args[0], at), align=4))
            at = builder.add(at, args[2])
        return cgutils.pack_array(builder, values)

    return types.UniTuple(v8, like.count)(array, types.intp, types.intp, like), codegen


@intrinsic
def accumulate_planes(_context: Any, array: Any, index: Any, stride: Any, w: Any, values: Any) -> Any:
    """array[index + k stride : ... + 8] += w * values[k] for every plane k."""

    def codegen(ctx: Any, builder: Any, signature: Any, args: Any) -> Any:
        at = args[1]
        for value in cgutils.unpack_tuple(builder, args[4]):
            pointer = _pointer(ctx, builder, signature.args[0], args[0], at)
            builder.store(_fma(builder, args[3], value, builder.load(pointer, align=4)), pointer, align=4)
            at = builder.add(at, args[2])
        return ctx.get_dummy_value()

    return types.none(array, types.intp, types.intp, v8, values), codegen


@intrinsic
def fma_planes(_context: Any, w: Any, values: Any, sums: Any) -> Any:
    """The tuple w * values[k] + sums[k]."""

    def codegen(_ctx: Any, builder: Any, _signature: Any, args: Any) -> Any:
        pairs = zip(cgutils.unpack_tuple(builder, args[1]), cgutils.unpack_tuple(builder, args[2]), strict=True)
        return cgutils.pack_array(builder, [_fma(builder, args[0], value, total_) for value, total_ in pairs])

    return values(v8, values, sums), codegen


@intrinsic
def dot_planes(_context: Any, a: Any, b: Any) -> Any:
    """sum_k a[k] * b[k], lane by lane."""

    def codegen(_ctx: Any, builder: Any, _signature: Any, args: Any) -> Any:
        pairs = list(zip(cgutils.unpack_tuple(builder, args[0]), cgutils.unpack_tuple(builder, args[1]), strict=True))
        result = builder.fmul(*pairs[0], flags=_FAST)
        for x, y in pairs[1:]:
            result = _fma(builder, x, y, result)
        return result

    return v8(a, b), codegen


@intrinsic
def add_totals(_context: Any, array: Any, index: Any, sums: Any) -> Any:
    """array[index + k] += the sum of the lanes of sums[k]."""

    def codegen(ctx: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = ctx.make_array(signature.args[0])(ctx, builder, args[0]).data
        for k, v in enumerate(cgutils.unpack_tuple(builder, args[2])):
            result = builder.extract_element(v, ir.Constant(_I32, 0))
            for lane in range(1, LANES):
                result = builder.fadd(result, builder.extract_element(v, ir.Constant(_I32, lane)))
            at = builder.add(args[1], ir.Constant(args[1].type, k))
            pointer = builder.gep(data, [at])
            builder.store(builder.fadd(builder.load(pointer), result), pointer)
        return ctx.get_dummy_value()

    return types.none(array, types.intp, sums), codegen
