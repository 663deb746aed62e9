-- wrk script: each request carries the next token of the file that is the
-- script's argument.
local tokens, at = {}, 0

function init(args)
	for line in io.lines(args[1]) do
		tokens[#tokens + 1] = wrk.format("GET", nil,
		    { ["Authorization"] = "Bearer " .. line })
	end
end

function request()
	at = at % #tokens + 1
	return tokens[at]
end
