"""The classes and functions of Keras that a model file may name: a closed table; nothing else is looked up.

Data only. A name is listed because a network may need it and it only computes on tensors: it does not open
files, use the internet, import, or run code from the file. That Keras would find an object by some name is
no reason to list it. To allow a class, add its name under its kind.
"""

from __future__ import annotations

from collections.abc import Mapping

_LAYERS = """
    Activation ActivityRegularization AdaptiveAveragePooling1D AdaptiveAveragePooling2D
    AdaptiveAveragePooling3D AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D Add
    AdditiveAttention AlphaDropout Attention AugMix AutoContrast Average AveragePooling1D AveragePooling2D
    AveragePooling3D AvgPool1D AvgPool2D AvgPool3D BatchNormalization Bidirectional CategoryEncoding
    CenterCrop Concatenate ContrastLimitedAdaptiveHistogramEqualization Conv1D Conv1DTranspose Conv2D
    Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D Convolution1D
    Convolution1DTranspose Convolution2D Convolution2DTranspose Convolution3D Convolution3DTranspose
    Cropping1D Cropping2D Cropping3D CutMix Dense DepthwiseConv1D DepthwiseConv2D Discretization Dot
    Dropout ELU EinsumDense Embedding Equalization Flatten GRU GRUCell GaussianDropout GaussianNoise
    GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalAvgPool1D GlobalAvgPool2D
    GlobalAvgPool3D GlobalMaxPool1D GlobalMaxPool2D GlobalMaxPool3D GlobalMaxPooling1D GlobalMaxPooling2D
    GlobalMaxPooling3D GroupNormalization GroupQueryAttention Identity InputLayer LSTM LSTMCell
    LayerNormalization LeakyReLU Masking MaxNumBoundingBoxes MaxPool1D MaxPool2D MaxPool3D MaxPooling1D
    MaxPooling2D MaxPooling3D Maximum MelSpectrogram Minimum MixUp MultiHeadAttention Multiply
    Normalization PReLU Permute Pipeline RMSNormalization RNN RandAugment RandomBrightness
    RandomColorDegeneration RandomColorJitter RandomContrast RandomCrop RandomElasticTransform
    RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale RandomHue RandomInvert RandomPerspective
    RandomPosterization RandomRotation RandomSaturation RandomSharpness RandomShear RandomTranslation
    RandomZoom ReLU RepeatVector Rescaling Reshape Resizing ReversibleEmbedding STFTSpectrogram
    SeparableConv1D SeparableConv2D SeparableConvolution1D SeparableConvolution2D SimpleRNN SimpleRNNCell
    Softmax Solarization SpatialDropout1D SpatialDropout2D SpatialDropout3D SpectralNormalization
    StackedRNNCells Subtract TimeDistributed UnitNormalization UpSampling1D UpSampling2D UpSampling3D
    ZeroPadding1D ZeroPadding2D ZeroPadding3D
"""

_OPERATIONS = {
    "keras.src.ops.core": """
        Cast ConvertToTensor SaturateCast Scatter ScatterUpdate Slice SliceUpdate StopGradient Unstack
    """,
    "keras.src.ops.einops": """
        Rearrange
    """,
    "keras.src.ops.image": """
        AffineTransform CropImages ElasticTransform ExtractPatches GaussianBlur HSVToRGB MapCoordinates
        PadImages PerspectiveTransform RGBToGrayscale RGBToHSV Resize SSIM ScaleAndTranslate SobelEdges
    """,
    "keras.src.ops.linalg": """
        Cholesky CholeskyInverse Det Eig Eigh Inv Lstsq LuFactor MatrixRank Norm Pinv Qr SVD Solve
        SolveTriangular
    """,
    "keras.src.ops.math": """
        CDist Erf Erfc Erfinv ExtractSequences FFT FFT2 IFFT2 IRFFT ISTFT InTopK Logdet Logsumexp RFFT
        Rsqrt STFT SegmentMax SegmentMin SegmentProd SegmentReduction SegmentSum TopK ViewAsComplex
        ViewAsReal
    """,
    "keras.src.ops.nn": """
        AdaptiveAveragePool AdaptiveMaxPool AveragePool BatchNorm BinaryCrossentropy CTCDecode CTCLoss
        CategoricalCrossentropy Celu Conv ConvTranspose DepthToSpace DepthwiseConv DotProductAttention Elu
        Fold Gelu Glu HardShrink HardSigmoid HardSilu HardTanh LayerNorm LeakyRelu LogSigmoid LogSoftmax
        MaxPool Moments MultiHot Normalize OneHot PSNR Polar RMSNorm Relu Relu6 Selu SeparableConv Sigmoid
        Silu SoftShrink Softmax Softplus Softsign SpaceToDepth SparseCategoricalCrossentropy SparsePlus
        SparseSigmoid Sparsemax Squareplus TanhShrink Threshold Unfold
    """,
    "keras.src.ops.numpy": """
        Abs Absolute Add All AllClose Amax Amin Angle Any Append Arange Arccos Arccosh Arcsin Arcsinh
        Arctan Arctan2 Arctanh Argmax Argmin Argpartition Argsort Array ArraySplit Average Bincount
        BitwiseAnd BitwiseInvert BitwiseLeftShift BitwiseNot BitwiseOr BitwiseRightShift BitwiseXor
        BroadcastTo Cbrt Ceil Clip Concatenate Conj Conjugate Copy Corrcoef Correlate Cos Cosh
        CountNonzero Cross Cumprod Cumsum Deg2rad Diag Diagflat Diagonal Diff Digitize Divide DivideNoNan
        Dot Dsplit Dstack Einsum Equal Exp Exp2 ExpandDims Expm1 Fabs Flip Fliplr Flipud Floor
        FloorDivide Fmax Fmin Fmod Full FullLike Gcd Geomspace GetItem Greater GreaterEqual Heaviside
        Histogram Hsplit Hstack Hypot I0 Imag Inner IsIn Isclose Isfinite Isinf Isnan Isneginf Isposinf
        Isreal Kron Lcm Ldexp LeftShift Less LessEqual Linspace Log Log10 Log1p Log2 Logaddexp Logaddexp2
        LogicalAnd LogicalNot LogicalOr LogicalXor Logspace Matmul Max Maximum Mean Median Meshgrid Min
        Minimum Mod Moveaxis Multiply NanToNum Nanargmax Nanargmin Nancumprod Nancumsum Nanmax Nanmean
        Nanmedian Nanmin Nanpercentile Nanprod Nanquantile Nanstd Nansum Nanvar Ndim Negative Nextafter
        Nonzero NotEqual OnesLike Outer Pad Percentile Power Prod Ptp Quantile Rad2deg Ravel Real
        Reciprocal Repeat Reshape RightShift Roll Rot90 Round SearchSorted Select Sign Signbit Sin Sinc
        Sinh Size Slogdet Sort Split Sqrt Square Squeeze Stack Std Subtract Sum Swapaxes Take
        TakeAlongAxis Tan Tanh Tensordot Tile Trace Transpose Trapezoid Tril Triu TrueDivide Trunc Unique
        UnravelIndex Vander Var Vdot View Vsplit Vstack Where ZerosLike
    """,
    "keras.src.activations.activations": "Mish ReLU",
}
"""Operations by the module that holds them."""

_INITIALIZERS = """
    Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity IdentityInitializer LecunNormal
    LecunUniform Ones Orthogonal OrthogonalInitializer RandomNormal RandomUniform STFT STFTInitializer
    TruncatedNormal VarianceScaling Zeros constant glorot_normal glorot_uniform he_normal he_uniform
    identity lecun_normal lecun_uniform ones orthogonal random_normal random_uniform stft truncated_normal
    variance_scaling zeros
"""

_REGULARIZERS = "L1 L1L2 L2 OrthogonalRegularizer l1 l1_l2 l2 orthogonal_regularizer"
_CONSTRAINTS = "MaxNorm MinMaxNorm NonNeg UnitNorm max_norm min_max_norm non_neg unit_norm"

_ACTIVATIONS = """
    celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu
    linear log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign
    sparse_plus sparse_sigmoid sparsemax squareplus swish tanh tanh_shrink threshold
"""

_UNARY = """
    abs absolute angle arccos arccosh arcsin arcsinh arctan arctanh array cbrt ceil conj conjugate
    convert_to_tensor copy cos cosh deg2rad erf erfc erfinv exp exp2 expm1 fabs flip fliplr
    flipud floor i0 imag layer_normalization log log10 log1p log2 nan_to_num negative normalize ones_like
    rad2deg real reciprocal rms_normalization round rsqrt sign sin sinc sinh sort sqrt square
    stop_gradient tan tril triu trunc view zeros_like
"""
"""Functions of `keras.ops` that turn one tensor into one of its shape, as an activation must."""

_OTHER = """
    adaptive_average_pool adaptive_max_pool add all allclose amax amin any append arange arctan2 argmax
    argmin argpartition argsort array_split average average_pool bartlett batch_normalization
    binary_crossentropy bincount bitwise_and bitwise_invert bitwise_left_shift bitwise_not bitwise_or
    bitwise_right_shift bitwise_xor blackman broadcast_to cast categorical_crossentropy cdist cholesky
    cholesky_inverse clip concatenate conv conv_transpose convert_to_numpy corrcoef correlate
    count_nonzero cross ctc_decode ctc_loss cumprod cumsum depth_to_space depthwise_conv det diag diagflat
    diagonal diff digitize divide divide_no_nan dot dot_product_attention dsplit dstack dtype eig eigh
    einsum equal expand_dims extract_sequences eye fft fft2 floor_divide fmax fmin fmod fold full
    full_like gcd geomspace get_item greater greater_equal hamming hanning heaviside histogram hsplit
    hstack hypot identity ifft2 in_top_k inner inv irfft is_tensor isclose isfinite isin isinf isnan
    isneginf isposinf isreal istft kaiser kron lcm ldexp left_shift less less_equal linspace logaddexp
    logaddexp2 logdet logical_and logical_not logical_or logical_xor logspace logsumexp lstsq lu_factor
    matmul matrix_rank max max_pool maximum mean median meshgrid min minimum mod moments moveaxis
    multi_hot multiply nanargmax nanargmin nancumprod nancumsum nanmax nanmean nanmedian nanmin
    nanpercentile nanprod nanquantile nanstd nansum nanvar ndim nextafter nonzero norm not_equal one_hot
    ones outer pad percentile pinv polar power prod psnr ptp qr quantile ravel rearrange repeat reshape
    rfft right_shift roll rot90 saturate_cast scatter scatter_update searchsorted segment_max segment_min
    segment_prod segment_sum select separable_conv shape signbit size slice slice_update slogdet solve
    solve_triangular space_to_depth sparse_categorical_crossentropy split squeeze stack std stft subtract
    sum svd swapaxes take take_along_axis tensordot tile top_k trace transpose trapezoid tri true_divide
    unfold unique unravel_index unstack vander var vdot view_as_complex view_as_real vsplit vstack where
    zeros
"""
"""The other functions of `keras.ops` that take tensors and numbers only."""


def _in(module: str, names: str) -> dict[str, tuple[str, str]]:
    return {name: (module, name) for name in names.split()}


Table = Mapping[str, tuple[str, str]]
"""From a name in a file to the module and the name under which it is looked up in Keras."""

MODELS: Table = {
    "Functional": ("keras.src.models.functional", "Functional"),
    **_in("keras", "Sequential Model"),
}
LAYERS: Table = {
    **_in("keras.layers", _LAYERS),
    **_in("keras.src.applications.convnext", "LayerScale StochasticDepth"),
    **_in("keras.src.applications.inception_resnet_v2", "CustomScaleLayer"),
}
OPERATIONS: Table = {k: v for module, names in _OPERATIONS.items() for k, v in _in(module, names).items()}
INITIALIZERS: Table = _in("keras.initializers", _INITIALIZERS)
REGULARIZERS: Table = _in("keras.regularizers", _REGULARIZERS)
CONSTRAINTS: Table = _in("keras.constraints", _CONSTRAINTS)
POLICIES: Table = {
    **_in("keras.dtype_policies", "DTypePolicy DTypePolicyMap FloatDTypePolicy"),
    **dict.fromkeys(("Policy", "PolicyV1"), ("keras.dtype_policies", "DTypePolicy")),
}
RANDOM: Table = _in("keras.random", "SeedGenerator")

ACTIVATIONS: Table = _in("keras.activations", _ACTIVATIONS)
"""Functions that a file may name without a module."""

TENSOR_FUNCTIONS: Table = {**_in("keras.ops", _UNARY), **ACTIVATIONS}
"""Functions that may be used as an activation."""

FUNCTIONS: Table = {**_in("keras.ops", _OTHER), **TENSOR_FUNCTIONS}
"""Functions that a Lambda of a trusted model may name."""

OLD_NAMES: Mapping[str, frozenset[str]] = {
    "initializer": frozenset(["normal", "one", "uniform", "zero", "initializer"]),
    "regularizer": frozenset(["l1l2"]),
}
"""Old names of initialisers and regularisers that a file gives by name alone."""

TEXT_OR_TABLES = frozenset(
    {"TextVectorization", "StringLookup", "IntegerLookup", "HashedCrossing", "Hashing", "FeatureSpace"}
)
"""Keras classes for inputs other than pictures; some of them open the files they name."""

DROPPED = frozenset(
    {
        "LocallyConnected1D", "LocallyConnected2D", "CuDNNLSTM", "CuDNNGRU", "RandomFourierFeatures",
        "DenseFeatures", "SequenceFeatures", "MaxoutDense", "Highway",
    }
)  # fmt: skip
"""Layers of Keras 1 and 2 that Keras 3 lacks and that no layer of it can replace."""
