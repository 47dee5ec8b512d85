# usage-trunc-next-table as a plain user's files: ids are project ids (chattr -p), a txg is a sync.
zap z micro usage=project
# 1030 ids come and go: 2060 names are more than a micro ZAP takes, and it is a fat one from then on.
allocate count=255 id=0x10000000 whose=4
allocate count=255 first=255 id=0x100000ff whose=4
allocate count=255 first=510 id=0x100001fe whose=4
allocate count=255 first=765 id=0x100002fd whose=4
allocate count=10 first=1020 id=0x100003fc whose=4
txg
free count=255
free count=255 first=255
free count=255 first=510
free count=255 first=765
free count=10 first=1020
txg
# 213 ids crowd two leaves (N and obj-N); with the last one these are split, the pointer table has four blocks and
# begins to be doubled, and the last leaves lie behind the table that is being built.
allocate first=1030 id=0x32656319 whose=4
allocate first=1031 id=0x326518bd whose=4
allocate first=1032 id=0xe8f10e9c whose=4
allocate first=1033 id=0x514c9bb0 whose=4
allocate first=1034 id=0x8ed40191 whose=4
allocate first=1035 id=0x8ed404e0 whose=4
allocate first=1036 id=0x88e528b5 whose=4
allocate first=1037 id=0x88e54976 whose=4
allocate first=1038 id=0x88e58299 whose=4
allocate first=1039 id=0x712e2861 whose=4
allocate first=1040 id=0x280750a8 whose=4
allocate first=1041 id=0x28075c88 whose=4
allocate first=1042 id=0x1741810d whose=4
allocate first=1043 id=0x174193f5 whose=4
allocate first=1044 id=0x7ec95949 whose=4
allocate first=1045 id=0x7ec9850f whose=4
allocate first=1046 id=0x7ec997f7 whose=4
allocate first=1047 id=0xd32408b0 whose=4
allocate first=1048 id=0xc2220947 whose=4
allocate first=1049 id=0xc22268a4 whose=4
allocate first=1050 id=0x542e29bd whose=4
allocate first=1051 id=0x542e9438 whose=4
allocate first=1052 id=0x542e9b69 whose=4
allocate first=1053 id=0xdd443855 whose=4
allocate first=1054 id=0xf6c382ad whose=4
allocate first=1055 id=0xf6c38a8d whose=4
allocate first=1056 id=0x17d4493c whose=4
allocate first=1057 id=0x1683024a whose=4
allocate first=1058 id=0x168310b0 whose=4
allocate first=1059 id=0x1683257e whose=4
allocate first=1060 id=0x9a9a0bb6 whose=4
allocate first=1061 id=0xf1980100 whose=4
allocate first=1062 id=0xf19813fa whose=4
allocate first=1063 id=0xbfbd2918 whose=4
allocate first=1064 id=0x7c0f8c0a whose=4
allocate first=1065 id=0x7c0f97c1 whose=4
allocate first=1066 id=0x7c0f9af0 whose=4
allocate first=1067 id=0x176f5308 whose=4
allocate first=1068 id=0x176f5e59 whose=4
allocate first=1069 id=0x176fa180 whose=4
allocate first=1070 id=0x48c036f9 whose=4
allocate first=1071 id=0x48c099a4 whose=4
allocate first=1072 id=0x8eed0817 whose=4
allocate first=1073 id=0x8eed388c whose=4
allocate first=1074 id=0x8eed69d4 whose=4
allocate first=1075 id=0x4bab0f4f whose=4
allocate first=1076 id=0x4bab1db7 whose=4
allocate first=1077 id=0x4b1a8105 whose=4
allocate first=1078 id=0x4b1a93fd whose=4
allocate first=1079 id=0x4b1a9ece whose=4
allocate first=1080 id=0x4802072a whose=4
allocate first=1081 id=0x48021081 whose=4
allocate first=1082 id=0x5a2f01cd whose=4
allocate first=1083 id=0x7a8a8156 whose=4
allocate first=1084 id=0x7a8a9eff whose=4
allocate first=1085 id=0x7a8af9f2 whose=4
allocate first=1086 id=0xfc1474a8 whose=4
allocate first=1087 id=0xfc147bd9 whose=4
allocate first=1088 id=0xfc14a465 whose=4
allocate first=1089 id=0x299914c1 whose=4
allocate first=1090 id=0xb11d26b8 whose=4
allocate first=1091 id=0xb11d89e5 whose=4
allocate first=1092 id=0xb11da25c whose=4
allocate first=1093 id=0xec251b4a whose=4
allocate first=1094 id=0xec2521d5 whose=4
allocate first=1095 id=0x2ef20ae3 whose=4
allocate first=1096 id=0x2ef20d92 whose=4
allocate first=1097 id=0x2ef2156c whose=4
allocate first=1098 id=0x652b11b8 whose=4
allocate first=1099 id=0x652b99f1 whose=4
allocate first=1100 id=0x652bac96 whose=4
allocate first=1101 id=0xc61078cc whose=4
allocate first=1102 id=0xc61083d8 whose=4
allocate first=1103 id=0xc6108689 whose=4
allocate first=1104 id=0xffba2649 whose=4
allocate first=1105 id=0xffba8934 whose=4
allocate first=1106 id=0x91f986fc whose=4
allocate first=1107 id=0x91f99402 whose=4
allocate first=1108 id=0x91f99b53 whose=4
allocate first=1109 id=0x409909d2 whose=4
allocate first=1110 id=0x4099588e whose=4
allocate first=1111 id=0x58be814f whose=4
allocate first=1112 id=0x58be93b7 whose=4
allocate first=1113 id=0xf1ea0890 whose=4
allocate first=1114 id=0xf1ea380d whose=4
allocate first=1115 id=0xe8a00847 whose=4
allocate first=1116 id=0xe8a069a4 whose=4
allocate first=1117 id=0x74b238e4 whose=4
allocate first=1118 id=0x74b25907 whose=4
allocate first=1119 id=0x74b2699c whose=4
allocate first=1120 id=0xea71294e whose=4
allocate first=1121 id=0x8af00058 whose=4
allocate first=1122 id=0xce654b98 whose=4
allocate first=1123 id=0xce65988f whose=4
allocate first=1124 id=0x7a1028d9 whose=4
allocate first=1125 id=0x7a1087c4 whose=4
allocate first=1126 id=0x7a108af5 whose=4
allocate first=1127 id=0x3c4a38cb whose=4
allocate first=1128 id=0x3c4a596a whose=4
allocate first=1129 id=0x9c7e782f whose=4
allocate first=1130 id=0xd69d07bc whose=4
allocate first=1131 id=0xd69d1542 whose=4
allocate first=1132 id=0xd69d1c13 whose=4
allocate first=1133 id=0xccfb4953 whose=4
allocate first=1134 id=0x262276f9 whose=4
allocate first=1135 id=0x2622a614 whose=4
allocate first=1136 id=0xb9ec93d6 whose=4
allocate first=1137 id=0xb9ec9687 whose=4
allocate first=1138 id=0xb9ec9ea7 whose=4
allocate first=1139 id=0x2ba1092a whose=4
allocate first=1140 id=0x955c815c whose=4
allocate first=1141 id=0x955c93c2 whose=4
allocate first=1142 id=0x6eda0eb9 whose=4
allocate first=1143 id=0x6edaaf6f whose=4
allocate first=1144 id=0xcb960e9a whose=4
allocate first=1145 id=0x882504bc whose=4
allocate first=1146 id=0x5efb0aec whose=4
allocate first=1147 id=0x5efb0d9b whose=4
allocate first=1148 id=0x5efb1563 whose=4
allocate first=1149 id=0xe92a8ebb whose=4
allocate first=1150 id=0xe92a9112 whose=4
allocate first=1151 id=0xe92aa875 whose=4
allocate first=1152 id=0xa7da06cb whose=4
allocate first=1153 id=0xa7da1453 whose=4
allocate first=1154 id=0xa7da1b02 whose=4
allocate first=1155 id=0x74c223c9 whose=4
allocate first=1156 id=0x74c22ef8 whose=4
allocate first=1157 id=0x74c28985 whose=4
allocate first=1158 id=0x3b9c28ec whose=4
allocate first=1159 id=0x909280ad whose=4
allocate first=1160 id=0x13260ae3 whose=4
allocate first=1161 id=0x9a2400e8 whose=4
allocate first=1162 id=0x9a240599 whose=4
allocate first=1163 id=0x9a2488a1 whose=4
allocate first=1164 id=0x4b6f69a9 whose=4
allocate first=1165 id=0x4b6f8003 whose=4
allocate first=1166 id=0x938608ca whose=4
allocate first=1167 id=0x9386696b whose=4
allocate first=1168 id=0xe8f34988 whose=4
allocate first=1169 id=0xe8f38267 whose=4
allocate first=1170 id=0xe8f38d36 whose=4
allocate first=1171 id=0x6a708567 whose=4
allocate first=1172 id=0x6a708c36 whose=4
allocate first=1173 id=0xf8e54738 whose=4
allocate first=1174 id=0xf8e54a69 whose=4
allocate first=1175 id=0xb8c2000c whose=4
allocate first=1176 id=0xb8c20f5b whose=4
allocate first=1177 id=0xb8c212f2 whose=4
allocate first=1178 id=0xabe312e8 whose=4
allocate first=1179 id=0xabe31799 whose=4
allocate first=1180 id=0xabe3aeb7 whose=4
allocate first=1181 id=0x117639c8 whose=4
allocate first=1182 id=0x1176842d whose=4
allocate first=1183 id=0xd89d014c whose=4
allocate first=1184 id=0xd89d13b2 whose=4
allocate first=1185 id=0xd89d34a6 whose=4
allocate first=1186 id=0x933309e5 whose=4
allocate first=1187 id=0x94c83932 whose=4
allocate first=1188 id=0x94c858f1 whose=4
allocate first=1189 id=0x449a8226 whose=4
allocate first=1190 id=0x449a8d77 whose=4
allocate first=1191 id=0x1e5e58d8 whose=4
allocate first=1192 id=0x1e5e8bef whose=4
allocate first=1193 id=0xeeb85369 whose=4
allocate first=1194 id=0xeeb85e38 whose=4
allocate first=1195 id=0xa1eb5559 whose=4
allocate first=1196 id=0xa1eb5c08 whose=4
allocate first=1197 id=0xa1eb891f whose=4
allocate first=1198 id=0x43280146 whose=4
allocate first=1199 id=0x43282672 whose=4
allocate first=1200 id=0x432834ac whose=4
allocate first=1201 id=0x79d43959 whose=4
allocate first=1202 id=0x79d4818d whose=4
allocate first=1203 id=0xe03702ae whose=4
allocate first=1204 id=0xe0370a8e whose=4
allocate first=1205 id=0x7a170c0f whose=4
allocate first=1206 id=0x7a1717c6 whose=4
allocate first=1207 id=0x10671906 whose=4
allocate first=1208 id=0x1067299b whose=4
allocate first=1209 id=0x106778e5 whose=4
allocate first=1210 id=0x9a440db9 whose=4
allocate first=1211 id=0x9a44b4f2 whose=4
allocate first=1212 id=0x9a44bbc3 whose=4
allocate first=1213 id=0xd9541148 whose=4
allocate first=1214 id=0xd9549901 whose=4
allocate first=1215 id=0xd954a066 whose=4
allocate first=1216 id=0x64c5483c whose=4
allocate first=1217 id=0xa9903079 whose=4
allocate first=1218 id=0xddf82844 whose=4
allocate first=1219 id=0xb2a7070c whose=4
allocate first=1220 id=0x9cfe020f whose=4
allocate first=1221 id=0x9cfe10f7 whose=4
allocate first=1222 id=0x9cfe1fc6 whose=4
allocate first=1223 id=0x3e4761a9 whose=4
allocate first=1224 id=0xdc6639a0 whose=4
allocate first=1225 id=0xdc665843 whose=4
allocate first=1226 id=0xdc0e71e9 whose=4
allocate first=1227 id=0xdc0e7498 whose=4
allocate first=1228 id=0x184f19dc whose=4
allocate first=1229 id=0x184f4884 whose=4
allocate first=1230 id=0x22097868 whose=4
allocate first=1231 id=0xee3a29d9 whose=4
allocate first=1232 id=0x83f71238 whose=4
allocate first=1233 id=0xd10f0105 whose=4
allocate first=1234 id=0xd10f13fd whose=4
allocate first=1235 id=0x4fe30cb2 whose=4
allocate first=1236 id=0x4fe3171b whose=4
allocate first=1237 id=0x2c074278 whose=4
allocate first=1238 id=0x2c074d29 whose=4
allocate first=1239 id=0x2c078997 whose=4
allocate first=1240 id=0x3f42098c whose=4
allocate first=1241 id=0x3f423917 whose=4
txg
allocate first=1242 id=0x5a5000a1 whose=4
txg
# They go: the leaves are joined, and zap_freeblk moves back before the table being built.
free count=213 first=1030
txg
# Ids that lie in one leaf, and those of obj-N in another: growth ends, and as these leaves are split, one by one,
# the new ones lie on blocks of the table, on disk.
allocate first=3000 id=0xecf40017 whose=4
allocate first=3001 id=0x2772001c whose=4
allocate first=3002 id=0x6c6e0031 whose=4
allocate first=3003 id=0xcc680007 whose=4
allocate first=3004 id=0xcc68002f whose=4
allocate first=3005 id=0xcc68005a whose=4
allocate first=3006 id=0xea940007 whose=4
allocate first=3007 id=0xea94002f whose=4
allocate first=3008 id=0x50670006 whose=4
allocate first=3009 id=0x50670071 whose=4
allocate first=3010 id=0x50670095 whose=4
allocate first=3011 id=0x46530016 whose=4
allocate first=3012 id=0x46530061 whose=4
allocate first=3013 id=0x46530085 whose=4
allocate first=3014 id=0x19250005 whose=4
allocate first=3015 id=0x1925002d whose=4
allocate first=3016 id=0x1925005c whose=4
allocate first=3017 id=0xbe660026 whose=4
allocate first=3018 id=0x7e400006 whose=4
allocate first=3019 id=0x7e400071 whose=4
allocate first=3020 id=0x7e400095 whose=4
allocate first=3021 id=0x74be000a whose=4
allocate first=3022 id=0x74be0020 whose=4
allocate first=3023 id=0x74be0057 whose=4
allocate first=3024 id=0xec380026 whose=4
allocate first=3025 id=0xec380051 whose=4
allocate first=3026 id=0xec38009d whose=4
allocate first=3027 id=0x6f3f0036 whose=4
allocate first=3028 id=0x6f3f0041 whose=4
allocate first=3029 id=0x6f3f008d whose=4
allocate first=3030 id=0xff8a000c whose=4
allocate first=3031 id=0xff8a0022 whose=4
allocate first=3032 id=0x90870012 whose=4
allocate first=3033 id=0x90870018 whose=4
allocate first=3034 id=0xf6b50007 whose=4
allocate first=3035 id=0xeefc001c whose=4
allocate first=3036 id=0x6d30001f whose=4
allocate first=3037 id=0x6d300037 whose=4
allocate first=3038 id=0xfe8d001e whose=4
allocate first=3039 id=0xfe8d0034 whose=4
allocate first=3040 id=0xf862000b whose=4
allocate first=3041 id=0xf8620023 whose=4
allocate first=3042 id=0x7c71001b whose=4
allocate first=3043 id=0x7c710033 whose=4
allocate first=3044 id=0x7c710039 whose=4
allocate first=3045 id=0x3a1b0014 whose=4
allocate first=3046 id=0x3a1b003e whose=4
allocate first=3047 id=0x3a1b004b whose=4
allocate first=3048 id=0x3d6c0017 whose=4
allocate first=3049 id=0x4b080016 whose=4
allocate first=3050 id=0x3d3d0021 whose=4
allocate first=3051 id=0x3d3d0056 whose=4
allocate first=3052 id=0x3c70000a whose=4
allocate first=3053 id=0x929a0036 whose=4
allocate first=3054 id=0x929a0041 whose=4
allocate first=3055 id=0x929a008d whose=4
allocate first=3056 id=0x6c14001c whose=4
allocate first=3057 id=0x6c140032 whose=4
allocate first=3058 id=0x6c140038 whose=4
allocate first=3059 id=0xbcaa0004 whose=4
allocate first=3060 id=0xbcaa002e whose=4
allocate first=3061 id=0xbcaa005b whose=4
allocate first=3062 id=0x3e8d0001 whose=4
allocate first=3063 id=0x3e8d0076 whose=4
allocate first=3064 id=0xdbf80026 whose=4
allocate first=3065 id=0xdbf80051 whose=4
allocate first=3066 id=0xcc010011 whose=4
allocate first=3067 id=0xcc010066 whose=4
allocate first=3068 id=0xcc010082 whose=4
allocate first=3069 id=0xf816001b whose=4
allocate first=3070 id=0xf8160033 whose=4
allocate first=3071 id=0xda2c001f whose=4
allocate first=3072 id=0xda2c0037 whose=4
allocate first=3073 id=0xda2c0040 whose=4
allocate first=3074 id=0x6a910016 whose=4
allocate first=3075 id=0x6a910061 whose=4
allocate first=3076 id=0xebe50001 whose=4
allocate first=3077 id=0xebe50076 whose=4
allocate first=3078 id=0x3943000d whose=4
allocate first=3079 id=0x39430025 whose=4
allocate first=3080 id=0xc714001a whose=4
allocate first=3081 id=0xc7140030 whose=4
allocate first=3082 id=0xc7140047 whose=4
allocate first=3083 id=0x861e000b whose=4
allocate first=3084 id=0x861e0023 whose=4
allocate first=3085 id=0x861e0029 whose=4
allocate first=3086 id=0x97c50002 whose=4
allocate first=3087 id=0x8d710004 whose=4
allocate first=3088 id=0x8d71002e whose=4
allocate first=3089 id=0xfcc1000c whose=4
allocate first=3090 id=0xfcc10022 whose=4
allocate first=3091 id=0x90370014 whose=4
allocate first=3092 id=0x9037003e whose=4
allocate first=3093 id=0x9037004b whose=4
allocate first=3094 id=0xe4de001a whose=4
allocate first=3095 id=0xe4de0030 whose=4
allocate first=3096 id=0xb9640016 whose=4
allocate first=3097 id=0xb9640061 whose=4
allocate first=3098 id=0xf6520000 whose=4
allocate first=3099 id=0xf652002a whose=4
allocate first=3100 id=0x69cc000d whose=4
allocate first=3101 id=0x69cc0025 whose=4
allocate first=3102 id=0x69cc0052 whose=4
allocate first=3103 id=0xc9d30031 whose=4
allocate first=3104 id=0xc9d30046 whose=4
allocate first=3105 id=0xc9d3008c whose=4
allocate first=3106 id=0xc9490014 whose=4
allocate first=3107 id=0xc949003e whose=4
allocate first=3108 id=0x8c920006 whose=4
allocate first=3109 id=0x8c920071 whose=4
allocate first=3110 id=0x8c920095 whose=4
allocate first=3111 id=0x48c80004 whose=4
allocate first=3112 id=0x48c8002e whose=4
allocate first=3113 id=0xe08f0026 whose=4
allocate first=3114 id=0xe08f0051 whose=4
allocate first=3115 id=0xe08f009d whose=4
allocate first=3116 id=0xe5c40015 whose=4
allocate first=3117 id=0xf06f0026 whose=4
allocate first=3118 id=0xf06f0051 whose=4
allocate first=3119 id=0xf06f009d whose=4
allocate first=3120 id=0x54a40016 whose=4
allocate first=3121 id=0x54a40061 whose=4
allocate first=3122 id=0x5f3f0006 whose=4
allocate first=3123 id=0x5f3f0071 whose=4
allocate first=3124 id=0xdc9c001c whose=4
allocate first=3125 id=0xdc9c0032 whose=4
allocate first=3126 id=0xdc9c0038 whose=4
allocate first=3127 id=0xe4c0000c whose=4
allocate first=3128 id=0xe4c00022 whose=4
allocate first=3129 id=0xe4c00028 whose=4
allocate first=3130 id=0x9feb0011 whose=4
allocate first=3131 id=0x9feb0066 whose=4
allocate first=3132 id=0x9feb0082 whose=4
allocate first=3133 id=0x91e2000b whose=4
allocate first=3134 id=0x91e20023 whose=4
allocate first=3135 id=0x91e20029 whose=4
allocate first=3136 id=0xada50026 whose=4
allocate first=3137 id=0xada50051 whose=4
allocate first=3138 id=0xada5009d whose=4
allocate first=3139 id=0x781b0006 whose=4
allocate first=3140 id=0x781b0071 whose=4
allocate first=3141 id=0xcb1e000b whose=4
allocate first=3142 id=0x8d280000 whose=4
allocate first=3143 id=0x8d28002a whose=4
allocate first=3144 id=0x8d28005f whose=4
allocate first=3145 id=0x6dd90002 whose=4
allocate first=3146 id=0x6dd90008 whose=4
allocate first=3147 id=0x6dd9002c whose=4
allocate first=3148 id=0xaf8e001c whose=4
allocate first=3149 id=0xd8c6000e whose=4
allocate first=3150 id=0xd8c60024 whose=4
allocate first=3151 id=0xc9d7000a whose=4
allocate first=3152 id=0xf85b0011 whose=4
allocate first=3153 id=0xceaa0017 whose=4
allocate first=3154 id=0x1f0a000d whose=4
allocate first=3155 id=0x1f0a0025 whose=4
allocate first=3156 id=0x1f0a0052 whose=4
allocate first=3157 id=0xb7250016 whose=4
allocate first=3158 id=0x55e90000 whose=4
allocate first=3159 id=0x55e9002a whose=4
allocate first=3160 id=0x55e9005f whose=4
allocate first=3161 id=0x4a03001c whose=4
allocate first=3162 id=0x4a030032 whose=4
allocate first=3163 id=0x4a030038 whose=4
allocate first=3164 id=0xf020001f whose=4
allocate first=3165 id=0xd11e0036 whose=4
allocate first=3166 id=0xd11e0041 whose=4
allocate first=3167 id=0xd11e008d whose=4
allocate first=3168 id=0x32f10036 whose=4
allocate first=3169 id=0x32f10041 whose=4
allocate first=3170 id=0x4ead001f whose=4
allocate first=3171 id=0xf16d001b whose=4
allocate first=3172 id=0x7c440012 whose=4
allocate first=3173 id=0x7c440018 whose=4
allocate first=3174 id=0x7c44003c whose=4
allocate first=3175 id=0xd2680011 whose=4
allocate first=3176 id=0x1e8a0014 whose=4
allocate first=3177 id=0x1e8a003e whose=4
allocate first=3178 id=0x6c370014 whose=4
allocate first=3179 id=0x4fdf0017 whose=4
allocate first=3180 id=0x4fdf003f whose=4
allocate first=3181 id=0x4fdf004a whose=4
allocate first=3182 id=0x16000016 whose=4
allocate first=3183 id=0x2d7f0017 whose=4
allocate first=3184 id=0x167c0026 whose=4
allocate first=3185 id=0xcabb0012 whose=4
allocate first=3186 id=0x6f83000b whose=4
allocate first=3187 id=0x6f830023 whose=4
allocate first=3188 id=0x30b60026 whose=4
allocate first=3189 id=0xcc1b0005 whose=4
allocate first=3190 id=0x95e9000e whose=4
allocate first=3191 id=0x95e90024 whose=4
allocate first=3192 id=0x95e90053 whose=4
allocate first=3193 id=0x107e0001 whose=4
allocate first=3194 id=0x107e0076 whose=4
allocate first=3195 id=0xa6e60016 whose=4
allocate first=3196 id=0xdb4d0036 whose=4
allocate first=3197 id=0x36c3001d whose=4
allocate first=3198 id=0x1112000b whose=4
allocate first=3199 id=0x11120023 whose=4
txg
allocate first=3200 id=0xad80000c whose=4
txg
allocate first=3201 id=0xad800022 whose=4
txg
allocate first=3202 id=0xad800028 whose=4
txg
allocate first=3203 id=0xce110031 whose=4
txg
allocate first=3204 id=0xce110046 whose=4
txg
allocate first=3205 id=0xce11008c whose=4
txg
allocate first=3206 id=0x2cf50026 whose=4
txg
allocate first=3207 id=0x2cf50051 whose=4
txg
allocate first=3208 id=0x6653001a whose=4
txg
allocate first=3209 id=0x66530030 whose=4
txg
allocate first=3210 id=0x17e30011 whose=4
txg
allocate first=3211 id=0x17e30066 whose=4
txg
allocate first=3212 id=0x82da0004 whose=4
txg
allocate first=3213 id=0x82da002e whose=4
txg
allocate first=3214 id=0x82da005b whose=4
txg
allocate first=3215 id=0xd416000f whose=4
txg
allocate first=3216 id=0xd4160027 whose=4
txg
allocate first=3217 id=0xd4160050 whose=4
txg
allocate first=3218 id=0xcd6d0005 whose=4
txg
allocate first=3219 id=0xf6ea001f whose=4
txg
allocate first=3220 id=0xf6ea0037 whose=4
txg
allocate first=3221 id=0xd1730010 whose=4
txg
allocate first=3222 id=0xd173003a whose=4
txg
allocate first=3223 id=0xecc90002 whose=4
txg
# An id for each part of the hashes: the sync that meets a leaf in place of the table does not come back.
allocate first=3224 id=0x4ceb0003 whose=4
txg
allocate first=3225 id=0x4ceb000c whose=4
txg
allocate first=3226 id=0x4ceb000d whose=4
txg
allocate first=3227 id=0x4ceb0004 whose=4
txg
allocate first=3228 id=0x4ceb0000 whose=4
txg
allocate first=3229 id=0x4ceb0013 whose=4
txg
allocate first=3230 id=0x4ceb0014 whose=4
txg
allocate first=3231 id=0x4ceb0007 whose=4
txg
allocate first=3232 id=0x4ceb0005 whose=4
txg
allocate first=3233 id=0x4ceb000e whose=4
txg
allocate first=3234 id=0x4ceb000b whose=4
txg
allocate first=3235 id=0x4ceb0002 whose=4
txg
allocate first=3236 id=0x4ceb0006 whose=4
txg
allocate first=3237 id=0x4ceb000f whose=4
txg
allocate first=3238 id=0x4ceb000a whose=4
txg
allocate first=3239 id=0x4ceb0001 whose=4
txg
# One salt of nine led none of these to where it shows: an id for each smaller part, too.
allocate first=3240 id=0x4ceb0008 whose=4
txg
allocate first=3241 id=0x4ceb0009 whose=4
txg
allocate first=3242 id=0x4ceb0010 whose=4
txg
allocate first=3243 id=0x4ceb0011 whose=4
txg
allocate first=3244 id=0x4ceb0012 whose=4
txg
allocate first=3245 id=0x4ceb0015 whose=4
txg
allocate first=3246 id=0x4ceb0016 whose=4
txg
allocate first=3247 id=0x4ceb0017 whose=4
txg
allocate first=3248 id=0x4ceb0018 whose=4
txg
allocate first=3249 id=0x4ceb0019 whose=4
txg
allocate first=3250 id=0x4ceb001a whose=4
txg
allocate first=3251 id=0x4ceb001b whose=4
txg
allocate first=3252 id=0x4ceb001c whose=4
txg
allocate first=3253 id=0x4ceb001d whose=4
txg
allocate first=3254 id=0x4ceb001e whose=4
txg
allocate first=3255 id=0x4ceb001f whose=4
txg
allocate first=3256 id=0x4ceb0020 whose=4
txg
allocate first=3257 id=0x4ceb0021 whose=4
txg
allocate first=3258 id=0x4ceb0022 whose=4
txg
allocate first=3259 id=0x4ceb0023 whose=4
txg
allocate first=3260 id=0x4ceb0024 whose=4
txg
allocate first=3261 id=0x4ceb0025 whose=4
txg
allocate first=3262 id=0x4ceb0026 whose=4
txg
allocate first=3263 id=0x4ceb0027 whose=4
txg
allocate first=3264 id=0x4ceb002a whose=4
txg
allocate first=3265 id=0x4ceb002d whose=4
txg
allocate first=3266 id=0x4ceb002e whose=4
txg
allocate first=3267 id=0x4ceb002f whose=4
txg
allocate first=3268 id=0x4ceb0030 whose=4
txg
allocate first=3269 id=0x4ceb0031 whose=4
txg
allocate first=3270 id=0x4ceb0032 whose=4
txg
allocate first=3271 id=0x4ceb0033 whose=4
txg
allocate first=3272 id=0x4ceb0034 whose=4
txg
allocate first=3273 id=0x4ceb0035 whose=4
txg
allocate first=3274 id=0x4ceb0036 whose=4
txg
allocate first=3275 id=0x4ceb0037 whose=4
txg
allocate first=3276 id=0x4ceb003a whose=4
txg
allocate first=3277 id=0x4ceb003d whose=4
txg
allocate first=3278 id=0x4ceb003e whose=4
txg
allocate first=3279 id=0x4ceb003f whose=4
txg
allocate first=3280 id=0x4ceb0082 whose=4
txg
allocate first=3281 id=0x4ceb0085 whose=4
txg
allocate first=3282 id=0x4ceb0092 whose=4
txg
allocate first=3283 id=0x4ceb0095 whose=4
txg
allocate first=3284 id=0x4ceb00ab whose=4
txg
allocate first=3285 id=0x4ceb00ae whose=4
txg
allocate first=3286 id=0x4ceb00b9 whose=4
txg
allocate first=3287 id=0x4ceb00e9 whose=4
txg
allocate first=3288 id=0x4ceb0200 whose=4
txg
allocate first=3289 id=0x4ceb0201 whose=4
txg
allocate first=3290 id=0x4ceb0202 whose=4
txg
allocate first=3291 id=0x4ceb0203 whose=4
txg
allocate first=3292 id=0x4ceb0204 whose=4
txg
allocate first=3293 id=0x4ceb0205 whose=4
txg
allocate first=3294 id=0x4ceb0206 whose=4
txg
allocate first=3295 id=0x4ceb0207 whose=4
txg
allocate first=3296 id=0x4ceb0208 whose=4
txg
allocate first=3297 id=0x4ceb0209 whose=4
txg
allocate first=3298 id=0x4ceb020a whose=4
txg
allocate first=3299 id=0x4ceb020b whose=4
txg
allocate first=3300 id=0x4ceb020c whose=4
txg
allocate first=3301 id=0x4ceb020d whose=4
txg
allocate first=3302 id=0x4ceb020e whose=4
txg
allocate first=3303 id=0x4ceb020f whose=4
txg
allocate first=3304 id=0x4ceb0210 whose=4
txg
allocate first=3305 id=0x4ceb0211 whose=4
txg
allocate first=3306 id=0x4ceb0212 whose=4
txg
allocate first=3307 id=0x4ceb0213 whose=4
txg
allocate first=3308 id=0x4ceb0214 whose=4
txg
allocate first=3309 id=0x4ceb0215 whose=4
txg
allocate first=3310 id=0x4ceb0216 whose=4
txg
allocate first=3311 id=0x4ceb0217 whose=4
txg
allocate first=3312 id=0x4ceb0218 whose=4
txg
allocate first=3313 id=0x4ceb0219 whose=4
txg
allocate first=3314 id=0x4ceb021a whose=4
txg
allocate first=3315 id=0x4ceb021b whose=4
txg
allocate first=3316 id=0x4ceb021c whose=4
txg
allocate first=3317 id=0x4ceb021d whose=4
txg
allocate first=3318 id=0x4ceb021e whose=4
txg
allocate first=3319 id=0x4ceb021f whose=4
txg
allocate first=3320 id=0x4ceb0220 whose=4
txg
allocate first=3321 id=0x4ceb0221 whose=4
txg
allocate first=3322 id=0x4ceb0222 whose=4
txg
allocate first=3323 id=0x4ceb0223 whose=4
txg
allocate first=3324 id=0x4ceb0224 whose=4
txg
allocate first=3325 id=0x4ceb0225 whose=4
txg
allocate first=3326 id=0x4ceb0226 whose=4
txg
allocate first=3327 id=0x4ceb0227 whose=4
txg
allocate first=3328 id=0x4ceb022a whose=4
txg
allocate first=3329 id=0x4ceb022d whose=4
txg
allocate first=3330 id=0x4ceb022e whose=4
txg
allocate first=3331 id=0x4ceb022f whose=4
txg
allocate first=3332 id=0x4ceb0230 whose=4
txg
allocate first=3333 id=0x4ceb0231 whose=4
txg
allocate first=3334 id=0x4ceb0232 whose=4
txg
allocate first=3335 id=0x4ceb0233 whose=4
txg
allocate first=3336 id=0x4ceb0234 whose=4
txg
allocate first=3337 id=0x4ceb0235 whose=4
txg
allocate first=3338 id=0x4ceb0236 whose=4
txg
allocate first=3339 id=0x4ceb0237 whose=4
txg
allocate first=3340 id=0x4ceb023a whose=4
txg
allocate first=3341 id=0x4ceb023d whose=4
txg
allocate first=3342 id=0x4ceb023e whose=4
txg
allocate first=3343 id=0x4ceb023f whose=4
txg
allocate first=3344 id=0x4ceb0282 whose=4
txg
allocate first=3345 id=0x4ceb0285 whose=4
txg
allocate first=3346 id=0x4ceb0292 whose=4
txg
allocate first=3347 id=0x4ceb0295 whose=4
txg
allocate first=3348 id=0x4ceb02ab whose=4
txg
allocate first=3349 id=0x4ceb02ae whose=4
txg
allocate first=3350 id=0x4ceb02b9 whose=4
txg
allocate first=3351 id=0x4ceb02e9 whose=4
txg
sync
