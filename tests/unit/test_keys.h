/*
 * test_keys - private keys made for the tests alone; they open nothing.
 */
#ifndef MGW_TESTS_TEST_KEYS_H
#define MGW_TESTS_TEST_KEYS_H

#define TEST_RSA                                                             \
	"-----BEGIN PRIVATE KEY-----\n"                                      \
	"MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQC0oFiQ6H2DFCKd\n" \
	"5iaGSLzGRXNuqlBIiSPkTLk3YQGCkvkmOF5eR9o6cqrBMPacYMzFhf7LD7UH4PtO\n" \
	"Hh0w/mGdUVFgF9O6vpnI9auBBYIu+Ze4NuYSmV4+9NPf7MYu5/psi11MPhvtqSxe\n" \
	"M6xO8g8swEPZPk2V8cS1nB2axwrKmj5uyB6J7JRzEFQlh/QU2O5jujcDlumGdYn/\n" \
	"bThQZ/YHsx0OIzropAKk9KE8L6BCcKnHFxKb4zTwRxWVxK9Dd/ub+3cZTt1UbG++\n" \
	"jyPKs19/RgRa0Udexg+t+Co5bIUCuEE0jXAi/dizNyphhXsfE8pWn3aLLtKdCEo0\n" \
	"hb7xzY/jAgMBAAECggEADfr1L+4WvN0DmuYT6EPb/JqmhxO+mAapVQPNOCiVddZL\n" \
	"W3Z0c2arUOfMKJzSEaN6ZfVrlar3D4+N0+uHxeGCi6seGcpuVF9pRsEhD6DuBRXD\n" \
	"dPomz5y4SzYm6geJBVtmKh2VUI/kGH6GFRp5xTh+DTAqcDeeyLLIT2gwcGjkgG7T\n" \
	"iDpzMEvb19K6AQnaKnDdjuXTAsWCIH9c7Th3aG9SyzkmTjQtf029/l/YxN1F5vP6\n" \
	"CtTWUQwJAqsYnEhymAyW4Rm63bL0BzWMlDpkiwfllpFC7H3yhb2/yjCpcTCBqb4w\n" \
	"4ahXR3v8VXj9biNC5IG3HM1lSkz+svBjWlp6j/W5bQKBgQDa81hfCLUNXsIkKhU6\n" \
	"i2waJzwEYVmgqlUhLZZjf76zrI2MKxRyAhJvcZ9kEmUqjUXagSDCM+Wiy1oYh62D\n" \
	"oCgHz4vFlWx76YYQdFJth5gLZ7AfwGxZByfNKCxYRCiOATfQFi8YU+pAarp0Vv7k\n" \
	"QMvBVH7qhtsZG4TNufBfQYlwJwKBgQDTMNhsXwW1X+2zcEOaNN0yUizME9elkdaA\n" \
	"qWTxfGsFNiGT2MNZkZfkzT5riGqoXcmiI5/nsMXtQRtazku2zd98z2iNyYogGoAI\n" \
	"i99beUMd3afVujiRmO+DGYtXID3kEVS0c2vlm6/Ar2AgMc46OGmDy+yCcXmztJVC\n" \
	"9Ue7kar75QKBgDUAvb7bw8CF1OeeTF9MyxGVt+CzlFfhhBQxDfvuO8MRHX72Gs/y\n" \
	"knXqApTeIyFm66cWpVB98bQ0GA5iIe4AQlCJvKNLJeTlRjALiLy9G2B/bFJzaYcv\n" \
	"xUHT3NBNR6gAwXsdM69m+Qk5DQQG31NwICMgCk1J8hYk5ERNI9RbcCL3AoGAL9JH\n" \
	"r4J00HVAZflt1WVTESn6atuzYRJ89/VjnisGMM/pGoli8s09D9pJ4B+rxyQ1nDlk\n" \
	"5BnrN6Yeg5ljG6nSiXiNvE1+sXZOt6C0mwoCYKjocEUSuiVfVthZ7Qin+xTRkWrx\n" \
	"a7StP3x2z9N3V0ee3PE4RPFdFYw2oEraS2bYyOECgYBbhv8CbKFHGXDznI0Id9+0\n" \
	"EgZSI9FQY1FyMkc6Tz3q1kIpScYp44wh3cJAEo27dDT/euDZ7DSDPghla9Cl55t6\n" \
	"Okuxtv2X1R2FtklV96d1OfZbvXCOOvPC0e0lm5w9NzlIpXgaCFNFwOXoPh30om7K\n" \
	"ChUyvOHIZg2PFEM0q/Fkzg==\n"                                         \
	"-----END PRIVATE KEY-----\n"

#define TEST_OTHER_RSA                                                       \
	"-----BEGIN PRIVATE KEY-----\n"                                      \
	"MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDRLL9P6yT2uXYk\n" \
	"wC4DvxnMc2dlZZS/q5WBzpobaRE3eD/IG9uQV339ItsQzDVHuBgS6NHvY3zb5/ap\n" \
	"eS1lLPyj4sjPeG6NmsbD5pxsX9XkPcFzxRUcPMGSZob4n7IUOlRNxH1gDSZA2lnz\n" \
	"cYhnsM26aSIE2Ho7tXCEtrv8H7t/fc+00gbP4azWFm50U42ZTnEpXLbtnBZax1I5\n" \
	"yx0GkF7xiQPJVGBX2PV5/B2cLfQ8qvcFNoE086S3Nxsp9SWcD3+SU2mHENpKxmv4\n" \
	"9+45ax1pJ/C/IdObLaslH8lDqoh4VLkH4iqL21oRuSB2J3O9cLsHd1SRCg2u3nUq\n" \
	"aON7WAeNAgMBAAECggEAYd8+mr3LG1hW08ZKIX2irBuZVwPLME2wFD8fs1Cbeild\n" \
	"KpwCRYzyieVru/XYvjiApyRhylFyJBDqxIxK9cqxYVtlG1Jd5Ar2EsaODVVgJr3Q\n" \
	"jQM7p+0zo3UulRlfwQAz3vlfsngknHauXO6T5PSApka34K2Lr/Fq9uXrmoIcgH97\n" \
	"jgIqHTmT8CvJ1buKen3f9jEnofqYVRAgJw+WYDW70w0pXEflzqmAIAeoFaL9wrjj\n" \
	"57KmRxXXHg+8Ez2G/vTnomcGg0Vv1ruuE691bjjuddh7jdu8FH7O2o0sc2S/BMrI\n" \
	"egShlTxKwDHAJbyB/XluCGoA5wDJFuC4HCwgfQNVrwKBgQD+h4eiu8YoUPYAkSvF\n" \
	"7L1bIJbGh3xFBBSCE5Vg/EFgCKRmDYI6YWDFUF9ZG5kc9t9YyniDNjywzvhrggNZ\n" \
	"dMczNmfGDCbByiypAIB5Y0ZNpyHAEZkyJfpHkTKdXS9FEmYGTWrL1/nke/Jfrqze\n" \
	"C4v+1YDBZDLUtDite7t73j+2XwKBgQDSYiJdCZ7KfGvrdKcSGIRkh5ny08MbIQXP\n" \
	"rQ9S8Zm8EeedLMB+rT0hCPN19CkRYUgCJ7QA5ONKHR/99/NhtyfZ9UmyXOXrq4DD\n" \
	"jDiER5EH0cLscpVIgfh3lPHZywe/OcmjJdFSwdcdoWSoA4T0rMsUlMZUuHmJL2T7\n" \
	"35SVZBoRkwKBgQDG0SbpvrMymssN9ley6xGeNP6RZRN09ZLvaEyuzVxjn1yLOtIW\n" \
	"uCnW9skD2cLoFQ6xVLZ+B8ewdHsnvw7OuaFAJ6c31BYSGdJ40KOKLjmkPoDmftij\n" \
	"i3bMoGZg9YEO+ygmlCJvx+yyxP62LsNpTqu0CyHf7lymOYBsQtJYF2q9EQKBgQCb\n" \
	"tUgLpgghg274aHES4pRyNy6I25RGqu07JLH3yJro6DONT8b0utFIdvCCN4CBvYdn\n" \
	"GO2Pz9gtTVsVRAOdKcrT9UhjO4BsKZX2pPxbYwCDUgu7pp64eIFmOBW8BRmpvWJw\n" \
	"XpgLcS3+Xyo5c8lesdjoVahoodRJ5YsPJA47d0gYAwKBgAWDb4eNCAIZczxMph5a\n" \
	"p03SqMfoOwRKZyph0iZEUh+hgdUN+/eUFmcW1vIakIMbQJ3t7SvxOGPqaH/HqA9+\n" \
	"Jj5rNc1aT8CZZYMSeh8cA0wJOarEd6HTGJiQT9zN0HOiHa1blq74LrwihRCuDfkr\n" \
	"opsn5U0ertITP4eNhii/7GWk\n"                                         \
	"-----END PRIVATE KEY-----\n"

#define TEST_SHORT_RSA                                                       \
	"-----BEGIN PRIVATE KEY-----\n"                                      \
	"MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBAK1BNmibFFjRFCkY\n" \
	"gZpg1t0WMhjpRxlKIRdcDC3DJ10bnyCbPLARZZviLbT56ZD3JBgovRQn0VmPrhfZ\n" \
	"Wx3ylc/RhlEwXDKUi3wg52Z83kANSp1nI1rEowatLTq4s5sHv/lNWj1xW1aG6bMz\n" \
	"X+hSfJ9zYJaNrDiZyVeFrZcSeekXAgMBAAECgYAITbjS2KPoAdVKhu8nO/7wR7EM\n" \
	"+pk6wA/H89RtmQ3Y64r74BTPh3XsO7HfG58zIHUtZz5wqdvhw/4fDH7Od6LwZ7Na\n" \
	"DRc1GkQp2uRf8XIGi5Wg/89lGmGcxcaSggmiIbycjXfd0B0tFnDNAp4BlhIHAYYZ\n" \
	"rkHHSmL5vvTuAApNGQJBANiZEYjVH0+8S22feTk/VbSO9Gvjw/lTZF5+sqFEwoaG\n" \
	"hM3sNmBaZ3SCJdgTaQpp5+KAJ33hvdkFojQx34dqwZ0CQQDMxaiYBWOCpfCieQE/\n" \
	"ON/yMD4tVyaAbusjnsdJtWnLP/Oir7IkZvV12M3fadJTmLOHAZa5cTB9laYAVUBO\n" \
	"pCFDAkAI9oybNPaOviQA7VB+5fgN+Lx0moBJmQHWRzftJINIPdjRDK1TX2pYj+ow\n" \
	"/tyh6bAG13bK5sSMboc/0bCGUgyhAkAXU+Uy/Forxg+10qcrtqT8iDZtH+KI+xna\n" \
	"gvodEYet2ek9fVqD/x6zgDFj5EBLubeqB6pOEfD+PZAdtZiP3O7VAkEA1TdyFS8x\n" \
	"e9Ear6jBttyESHLJE9sjps1AP9UbWvQFpzup8VAB5W4TyGUC5PZ90+754RHTDLq/\n" \
	"9nYK+eQYxVI2jA==\n"                                                 \
	"-----END PRIVATE KEY-----\n"

#define TEST_P256                                                            \
	"-----BEGIN PRIVATE KEY-----\n"                                      \
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgEf907ElfKS6lJ9q5\n" \
	"e8tdxptDFOvKgHfjqc5QJFe5yiyhRANCAASfQreHTaVzvBHDgyz4i8E5tFmacG+G\n" \
	"tmGgNKRZ58hqvtFqQ1KtdLyxzj8XEh7w/nt6De8kshwOkprfA+RqNKAS\n"         \
	"-----END PRIVATE KEY-----\n"

#define TEST_P384                                                            \
	"-----BEGIN PRIVATE KEY-----\n"                                      \
	"MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDDVGchY6WGM3MLT2EIb\n" \
	"Z85QCAIIUcG3PHk7rAuFLchR6OyM4K1wBnG35XazVRssNzyhZANiAASojfQmk8gw\n" \
	"qMLI3X+nqGiMxpfNLV9pCFubpkOMX4gfojUcgKMiOq46PcjfqNXIhk1IR6d2n1K8\n" \
	"6vvFc1FbKScklEflcxoUvp5kXCWvUSLKtREC94n/vPrt5FkB5KTOmBY=\n"         \
	"-----END PRIVATE KEY-----\n"

#define TEST_P521                                                            \
	"-----BEGIN PRIVATE KEY-----\n"                                      \
	"MIHuAgEAMBAGByqGSM49AgEGBSuBBAAjBIHWMIHTAgEBBEIBpIOufb9cFx/o4D7y\n" \
	"qZsADty9cgWSIgqNYkT4PdQkYSLglKC9UD++mpYVAbgDELfFyDtrbOBPglZFgoio\n" \
	"sqixxB+hgYkDgYYABAH5zjb5q9aofbDOQBMA6OBjd2GMbvBGqXL4anlGYsMx375g\n" \
	"xWVANbPltLxUO/bwh8f4mBOqKq4RN+riMycElVzhqABqM24bMA1sNUBbyl3eGAs9\n" \
	"wQDmYzGuH9nyq9mr2j79Juq/j0wKdXEdo2AIT2AldVJz7FnHf/7TgndYY2aixtyl\n" \
	"LQ==\n"                                                             \
	"-----END PRIVATE KEY-----\n"

#define TEST_K256                                                            \
	"-----BEGIN PRIVATE KEY-----\n"                                      \
	"MIGEAgEAMBAGByqGSM49AgEGBSuBBAAKBG0wawIBAQQgq3Bll9gWmTmNrNTe2GKF\n" \
	"zRnSFJ+N52v/oKz0R0G4HP+hRANCAASPZriKzNTEFV+FGMUHVFs2wB05Uw73TAeB\n" \
	"uDUeyKpsnKZez86V97oJgPM7Kfw2i5ifN/Gpx2mWY4OsTEHNm4rK\n"             \
	"-----END PRIVATE KEY-----\n"

#define TEST_ED25519                                                         \
	"-----BEGIN PRIVATE KEY-----\n"                                      \
	"MC4CAQAwBQYDK2VwBCIEIDpvCbcSAgmZkTJuXmB+b5zGguTuZ9XIzYR60JCgefj/\n" \
	"-----END PRIVATE KEY-----\n"

#define TEST_ED448                                                           \
	"-----BEGIN PRIVATE KEY-----\n"                                      \
	"MEcCAQAwBQYDK2VxBDsEOZ1Hje5Z4NdO+G5asWUB8ZphR+RySNzBD5ddRELCfUnN\n" \
	"hIyzbS11bsrb3mDrSNJJ/Pi14aBDsXEYlQ==\n"                             \
	"-----END PRIVATE KEY-----\n"

#endif
