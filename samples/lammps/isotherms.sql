-- Pressure, and what it is of an ideal gas's, for both isotherms.
SELECT density,
       round(max(mean_pressure) FILTER (WHERE temperature = 1.5), 2) AS "p at T=1.5",
       round(max(mean_pressure) FILTER (WHERE temperature = 1.5) / (density * 1.5), 2) AS "Z at T=1.5",
       round(max(mean_pressure) FILTER (WHERE temperature = 3), 2) AS "p at T=3",
       round(max(mean_pressure) FILTER (WHERE temperature = 3) / (density * 3), 2) AS "Z at T=3"
FROM results
GROUP BY density
ORDER BY density
